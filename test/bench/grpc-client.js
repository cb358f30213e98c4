// One HTTP/2 session that calls a unary gRPC method, many calls in flight. It writes and reads frames
// itself (RFC 9113): a client with all of HTTP/2 takes as much CPU as the server, and leaves it idle.
import { connect } from 'node:net';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const FRAME_HEAD = 9;
const Type = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8 };
const END_STREAM = 1;
const ACK = 1;
const END_HEADERS = 4;
const INITIAL_WINDOW = 65_535;
const LARGEST_WINDOW = 2 ** 31 - 1;
const STATIC_TABLE = 61;

/**
 * Connects to a server.
 *
 * @param {{port: number, headers: [string, string][], message: string, answer: string}} target
 *   `headers` of each call, pseudo headers first; `message` and `answer` are what is sent and what
 *   must come back, as base64 of the bytes in protobuf.
 * @returns {{request: () => Promise<number>, close: () => void}} `request` resolves to the latency
 *   in milliseconds.
 */
export function connectGrpc({ port, headers, message, answer }) {
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  const data = frame(Type.data, END_STREAM, 0, withLength(Buffer.from(message, 'base64')));
  const expected = withLength(Buffer.from(answer, 'base64'));
  // The first call enters each header in the table of the session; the others refer to the table.
  let block = Buffer.concat(headers.map(renderHeader));
  const calls = new Map();
  const blocked = [];
  // What the server lets us send before it has read what is on its way.
  let window = INITIAL_WINDOW;
  let nextStream = 1;
  let pending = Buffer.alloc(0);

  function start(call) {
    if (window < data.length) {
      blocked.push(call);
      return;
    }
    window -= data.length - FRAME_HEAD;
    const stream = nextStream;
    nextStream += 2;
    calls.set(stream, call);
    const bytes = Buffer.concat([frame(Type.headers, END_HEADERS, stream, block), data]);
    bytes.writeUInt32BE(stream, bytes.length - data.length + 5);
    socket.write(bytes);
    if (stream === 1) block = Buffer.from(headers.map((_, i) => toIndexed(headers.length - i)));
  }

  function onFrame(type, flags, stream, payload) {
    const call = calls.get(stream);
    if (type === Type.data) call.isAnswered = payload.equals(expected);
    const isEnd = type === Type.data || type === Type.headers ? flags & END_STREAM : false;
    if (isEnd) {
      calls.delete(stream);
      if (call.isAnswered) call.resolve(performance.now() - call.sentAt);
      else call.reject(new Error('a call was not answered as it must be'));
    } else if (type === Type.reset) call.reject(new Error('the server reset a call'));
    else if (type === Type.goAway) fail(new Error('the server closed the session'));
    else if (type === Type.windowUpdate && stream === 0) {
      window += payload.readUInt32BE();
      for (const waiting of blocked.splice(0)) start(waiting);
    } else if ((type === Type.settings || type === Type.ping) && (flags & ACK) === 0) {
      socket.write(frame(type, ACK, 0, type === Type.ping ? payload : Buffer.alloc(0)));
    }
  }

  function fail(error) {
    for (const call of [...calls.values(), ...blocked]) call.reject(error);
  }

  socket.on('data', (chunk) => {
    const bytes = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    let at = 0;
    while (bytes.length - at >= FRAME_HEAD) {
      const end = at + FRAME_HEAD + bytes.readUIntBE(at, 3);
      if (bytes.length < end) break;
      const payload = bytes.subarray(at + FRAME_HEAD, end);
      onFrame(bytes[at + 3], bytes[at + 4], bytes.readUInt32BE(at + 5), payload);
      at = end;
    }
    pending = bytes.subarray(at);
  });
  socket.on('error', fail);
  socket.on('end', () => fail(new Error('the server closed the connection')));
  socket.write(PREFACE);
  socket.write(frame(Type.settings, 0, 0, Buffer.alloc(0)));
  socket.write(frame(Type.windowUpdate, 0, 0, uint32(LARGEST_WINDOW - INITIAL_WINDOW)));

  return {
    request() {
      return new Promise((resolve, reject) => {
        start({ resolve, reject, sentAt: performance.now(), isAnswered: false });
      });
    },
    close: () => socket.destroy(),
  };
}

function frame(type, flags, stream, payload) {
  const head = Buffer.alloc(FRAME_HEAD);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

// A message of gRPC: not compressed, its length, its bytes.
function withLength(bytes) {
  return Buffer.concat([Buffer.from([0]), uint32(bytes.length), bytes]);
}

function uint32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

// A literal header that enters the table (RFC 7541, 6.2.1), and one that refers to it (6.1).
function renderHeader([name, value]) {
  return Buffer.concat([Buffer.from([0x40]), renderText(name), renderText(value)]);
}

function toIndexed(index) {
  return 0x80 | (STATIC_TABLE + index);
}

function renderText(text) {
  if (text.length >= 127) throw new Error(`too long for a length of one byte: ${text}`);
  return Buffer.from([text.length, ...Buffer.from(text, 'latin1')]);
}
