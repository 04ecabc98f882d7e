'use strict';
// The upgrade protocol, version 1, for an app that keeps state: Node 18, no packages.
//
//   const app = new App({schema: 'cart/2', imports: ['cart/1', 'cart/2'], state: {}, dump, load});
//   await app.connect();              // does nothing where no sidecar is
//   await app.serving();              // before it listens
//   await app.call((state) => ...);   // around whatever reads or changes the state
//   app.end();                        // on SIGTERM, once it has stopped listening
//
// `dump(state)` returns a string or Buffer, `load(buffer, schema)` the state in it. Callers wait in call() while the app is
// suspended. They get Succeeded if another process took over: they are to be handed on to it.
const fs = require('fs');
const net = require('net');

const MAX_LINE = 65536;

class Refused extends Error { // an answer without `ok`: a code of the protocol, and why
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

class Succeeded extends Error {} // another process has the state now; what this caller wants is to be asked there

class App {
  constructor({schema, imports = [schema], state, dump, load}) {
    Object.assign(this, {schema, imports, state, firstState: state, dump, load});
    this.mode = 'serving'; // or waiting (a successor before `resume`), suspended, expired, succeeded
    this.calls = 0; // that are inside call()
    this.suspending = null; // the request that waits for them
    this.waiters = []; // who waits for the mode to change
  }

  connect() {
    if (!process.env.MIDAIR_SOCKET) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.link = net.connect(process.env.MIDAIR_SOCKET);
      this.link.on('error', reject).on('close', () => this.op_abort());
      this.take = (welcome) => {
        if (welcome.op !== 'welcome') return reject(new Error(`the sidecar does not welcome this app: ${welcome.error}`));
        this.enter(welcome.wait ? 'waiting' : 'serving');
        this.take = this.answer;
        resolve();
      };
      this.hear();
      const {schema, imports} = this;
      this.send({op: 'hello', protocol: 1, sdk: 'midair-node/1', capabilities: ['state'], schema, imports});
    });
  }

  async serving() { // true once it may serve; false if another process does
    while (['waiting', 'suspended'].includes(this.mode)) await new Promise((resolve) => this.waiters.push(resolve));
    return this.mode !== 'succeeded';
  }

  async call(work) {
    if (!await this.serving()) throw new Succeeded();
    this.calls++;
    try {
      return await work(this.state);
    } finally {
      this.calls--;
      this.answerSuspend();
    }
  }

  end() {
    if (['waiting', 'suspended'].includes(this.mode)) this.enter('succeeded');
  }

  // What the sidecar says: lines, each a message to take.
  hear() {
    let rest = Buffer.alloc(0);
    this.link.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      for (let end; (end = rest.indexOf('\n')) >= 0 && end < MAX_LINE && !this.link.destroyed; rest = rest.subarray(end + 1)) {
        const message = parse(rest.subarray(0, end));
        if (message) this.take(message);
        else this.link.destroy();
      }
      if (rest.length >= MAX_LINE) this.link.destroy();
    });
  }

  answer(request) {
    try {
      const operation = this['op_' + request.op];
      if (!operation) throw new Refused('unsupported', 'unknown operation');
      const answer = operation.call(this, request);
      if (answer) this.send({id: request.id, ok: true, ...answer});
    } catch (error) { // also whatever dump and load throw
      this.refuse(request, error instanceof Refused ? error.code : 'failed', `${error.message}`.slice(0, 1000));
    }
  }

  op_prepare() { return this.require('waiting'); }

  op_suspend(request) {
    field(request, 'hold_ms', 'number');
    this.require('serving');
    this.suspending = request;
    this.enter('suspended');
    this.answerSuspend();
  }

  answerSuspend() {
    if (!this.suspending || this.calls > 0) return;
    const request = this.suspending;
    this.suspending = null;
    this.hold = setTimeout(() => this.enter('expired'), request.hold_ms).unref();
    this.send({id: request.id, ok: true});
  }

  op_export(request) {
    const path = field(request, 'state_path', 'string');
    this.require('suspended');
    const bytes = Buffer.from(this.dump(this.state));
    fs.writeFileSync(path, bytes, {flag: 'r+'});
    return {schema: this.schema, bytes: bytes.length};
  }

  op_import(request) {
    const [path, schema] = [field(request, 'state_path', 'string'), field(request, 'schema', 'string')];
    this.require('waiting');
    if (!this.imports.includes(schema)) throw new Refused('bad_request', `this code does not import ${schema}`);
    this.state = this.load(fs.readFileSync(path), schema);
    return {};
  }

  op_resume() {
    this.require('waiting', 'suspended');
    return this.enter('serving');
  }

  op_health() { return {}; }

  op_commit() { return {}; } // nothing is kept here for the way back

  op_abort() {
    if (this.suspending) this.refuse(this.suspending, 'failed', 'aborted');
    this.suspending = null;
    if (this.mode === 'waiting') this.state = this.firstState;
    return ['suspended', 'expired'].includes(this.mode) ? this.enter('serving') : {};
  }

  require(...modes) {
    if (modes.includes(this.mode) && !this.suspending) return {};
    throw new Refused(this.mode === 'expired' ? 'expired' : 'out_of_order', `this app is ${this.mode}`);
  }

  enter(mode) {
    clearTimeout(this.hold);
    this.mode = mode;
    for (const resolve of this.waiters.splice(0)) resolve();
    return {};
  }

  refuse({id}, code, error) { this.send({id, ok: false, code, error}); }

  send(message) {
    if (!this.link.destroyed) this.link.write(JSON.stringify(message) + '\n');
  }
}

function parse(line) {
  try {
    const message = JSON.parse(line);
    return message && typeof message.op === 'string' ? message : null;
  } catch {
    return null;
  }
}

function field(request, name, type) {
  if (typeof request[name] !== type) throw new Refused('bad_request', `'${name}' is missing or not of its type`);
  return request[name];
}

module.exports = {App, Succeeded};
