core.register_service("app", "http", function(applet)
  local body = '{"version": "@VERSION@"}'
  applet:receive()
  if applet.path == "/slow" then core.msleep(2000) end
  applet:set_status(200)
  applet:add_header("Content-Length", #body)
  applet:start_response()
  applet:send(body)
end)
