# A Rack app: every request is answered with the version, /slow after two seconds.
BODY = '{"version": "@VERSION@"}'.freeze

run lambda { |env|
  env["rack.input"].read
  sleep 2 if env["PATH_INFO"] == "/slow"
  [200, { "Content-Type" => "application/json", "Content-Length" => BODY.bytesize.to_s }, [BODY]]
}
