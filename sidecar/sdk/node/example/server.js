#!/usr/bin/env node
'use strict';
// A counter over HTTP whose count lives in this process only, and goes over to the next release by the upgrade protocol.
//
// GET / shows the count, POST / adds one. What differs between releases is in release.js. A release is this file,
// release.js and midair-app.js in one directory; it runs without a sidecar as well. Node has no sd_notify, so the sidecar
// is told `--ready-http /`.
const http = require('http');
const release = require('./release.js');
const {App, Succeeded} = require('./midair-app.js');

const app = new App(release);
let address;

const server = http.createServer((request, response) => {
  const body = [];
  request.on('data', (chunk) => body.push(chunk)).on('end', () => {
    app.call((state) => {
      if (request.method === 'POST') release.add(state);
      return release.total(state);
    }).then((count) => answer(response, 200, JSON.stringify({version: release.version, count})))
      .catch((error) => {
        if (error instanceof Succeeded) return handOn(request, Buffer.concat(body), response);
        answer(response, 500, error.message);
      });
  });
});

function answer(response, status, body) {
  // One request for each connection, so none is idle when a release ends.
  response.writeHead(status, {'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body),
    'App-Version': release.version, 'Connection': 'close'});
  response.end(body);
}

// The listening address is the successor's now.
function handOn({method, url}, body, response) {
  http.request({method, path: url, host: address.address, port: address.port}, (reply) => {
    response.writeHead(reply.statusCode, reply.headers);
    reply.pipe(response);
  }).on('error', (error) => answer(response, 502, error.message)).end(body);
}

async function main() {
  process.on('SIGTERM', () => {
    server.close(() => process.exit(0)); // when the last request is answered
    app.end();
    if (!server.listening && !address) process.exit(0);
  });
  await app.connect();
  if (!await app.serving()) return;
  const inherited = process.env.LISTEN_PID === String(process.pid);
  server.listen(inherited ? {fd: 3} : {port: process.env.PORT || 8080, host: '127.0.0.1'}, () => {
    address = server.address();
  });
}

main();
