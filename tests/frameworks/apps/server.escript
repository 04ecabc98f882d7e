#!/usr/bin/env escript
%%! -noshell
%% gen_tcp alone: a process for each connection.

main(_) ->
    {ok, Listener} = gen_tcp:listen(@PORT@, [binary, {packet, http_bin}, {active, false}, {reuseaddr, true},
                                             {nodelay, true}, {backlog, 1024}]),
    accept(Listener).

accept(Listener) ->
    {ok, Socket} = gen_tcp:accept(Listener),
    Pid = spawn(fun() -> receive go -> serve(Socket) end end),
    ok = gen_tcp:controlling_process(Socket, Pid),
    Pid ! go,
    accept(Listener).

serve(Socket) ->
    case gen_tcp:recv(Socket, 0) of
        {ok, {http_request, _, {abs_path, Path}, _}} ->
            Length = headers(Socket, 0),
            ok = inet:setopts(Socket, [{packet, raw}]),
            body(Socket, Length),
            case Path of <<"/slow">> -> timer:sleep(2000); _ -> ok end,
            Body = <<"{\"version\": \"@VERSION@\"}">>,
            gen_tcp:send(Socket, ["HTTP/1.1 200 OK\r\nContent-Length: ", integer_to_list(byte_size(Body)),
                                  "\r\n\r\n", Body]),
            ok = inet:setopts(Socket, [{packet, http_bin}]),
            serve(Socket);
        _ ->
            gen_tcp:close(Socket)
    end.

headers(Socket, Length) ->
    case gen_tcp:recv(Socket, 0) of
        {ok, {http_header, _, 'Content-Length', _, Value}} -> headers(Socket, binary_to_integer(Value));
        {ok, {http_header, _, _, _, _}} -> headers(Socket, Length);
        {ok, http_eoh} -> Length
    end.

body(_, 0) -> ok;
body(Socket, Length) -> {ok, _} = gen_tcp:recv(Socket, Length), ok.
