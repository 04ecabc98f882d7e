#!/usr/bin/env escript
%% Erlang's erl_tar as a program:
%%   erl_tar.escript create TARBALL DIRECTORY NAME...
%%   erl_tar.escript extract TARBALL DIRECTORY
%%   erl_tar.escript list TARBALL

main(["create", Tarball, Directory | Names]) ->
    ok = erl_tar:create(Tarball, [{Name, filename:join(Directory, Name)} || Name <- Names], [compressed]);
main(["extract", Tarball, Directory]) ->
    ok = erl_tar:extract(Tarball, [compressed, {cwd, Directory}]);
main(["list", Tarball]) ->
    {ok, Names} = erl_tar:table(Tarball, [compressed]),
    [io:format("~s~n", [Name]) || Name <- Names].
