// The same with a SIGTERM handler.
const server = require("http").createServer((request, response) => {
  const body = JSON.stringify({version: "@VERSION@"});
  const answer = () => response.writeHead(200, {"Content-Length": body.length}).end(body);
  request.resume().on("end", () => request.url === "/slow" ? setTimeout(answer, 2000) : answer());
});
server.listen(@PORT@);
process.on("SIGTERM", () => server.close(() => process.exit(0)));
