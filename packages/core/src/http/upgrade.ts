// A connection that a client upgrades becomes one call of its function, which lasts until it closes.
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FunctionDefinition } from '../function/signature.ts';
import {
  Invocation,
  type Channel,
  type InvocationOrigin,
  type ServedFunction,
} from '../invocation/invocation.ts';
import { invoke, runInside, type Settle } from '../invocation/invoke.ts';
import { toFailure } from '../invocation/outcome.ts';
import type { Call } from '../invocation/plugin.ts';
import { observe } from './endpoint.ts';
import { Exchange } from './exchange.ts';
import { failExchange, logFailure, refuse } from './failure.ts';
import type { FunctionRequest } from './request.ts';
import { FunctionResponse } from './response.ts';
import type { StageSettings } from './stage.ts';

/** Takes a connection over. */
export type UpgradeEndpoint = (request: FunctionRequest, socket: Duplex, head: Buffer) => void;

/** The call of an upgrade handler. */
export function toUpgradeCall({ upgrade }: FunctionDefinition): Call {
  return ({ origin }) => {
    const { connection, req } = origin as Exchange;
    if (connection !== undefined) return upgrade?.(req, connection.socket, connection.head);
    throw new Error('the connection has closed');
  };
}

/**
 * Creates the endpoint of a function that takes upgrades.
 *
 * @param served The function, with the call of its upgrade handler.
 */
export function createUpgradeEndpoint(
  served: ServedFunction,
  { observer, showDetails, tracker }: StageSettings,
): UpgradeEndpoint {
  function fail(exchange: Exchange, thrown: unknown): void {
    const { connection, invocation, response } = exchange;
    if (connection === undefined || invocation === undefined) return;
    const { hasWritten, socket } = connection;
    if (exchange.over || socket.destroyed) {
      invocation.logLate(thrown);
    } else if (hasWritten || socket.writableEnded || response.headersSent) {
      logFailure(invocation, toFailure(thrown));
      socket.destroy();
    } else {
      answerOn(socket, response);
      failExchange(exchange, thrown, showDetails);
    }
  }

  const channel: Channel = { fail: ({ origin }, error) => fail(origin as Exchange, error) };

  const settle: Settle = {
    rejected(invocation, error, origin: InvocationOrigin) {
      invocation.error = error;
      fail(origin as Exchange, error);
      tracker.settled(origin as Exchange);
    },
    resolved(invocation, _, origin) {
      const { connection, response } = origin as Exchange;
      invocation.error = undefined;
      // A plugin may have answered in the place of the handler.
      if (connection?.hasWritten === false && response.headersSent) {
        answerOn(connection.socket, response);
      }
      tracker.settled(origin as Exchange);
    },
  };

  return function upgradeEndpoint(request, socket, head) {
    const response = new FunctionResponse(request);
    const exchange = new Exchange(request, response);
    const connection = { socket, head, hasWritten: false };
    exchange.connection = connection;
    const invocation = new Invocation(served, channel, exchange);
    exchange.invocation = invocation;
    exchange.running = true;
    request.res = response;
    request.exchange = exchange;
    response.exchange = exchange;
    tracker.begin(exchange);
    if (observer !== undefined) observe(observer, invocation, response);
    socket.once('close', () => response.emit('close'));
    // A client that resets its connection is no error of the function: its signal has aborted.
    socket.on('error', ignore);
    noteFirstWrite(connection);
    followSocket(socket, invocation);
    invoke(served, invocation, settle);
  };
}

/** Refuses an upgrade, and closes the connection. */
export function refuseUpgrade(request: FunctionRequest, socket: Duplex, error: Error): void {
  const response = new FunctionResponse(request);
  socket.on('error', ignore);
  answerOn(socket, response);
  refuse(request, response, error);
}

// Sends a response on a connection that Node has let go of, and closes it.
function answerOn(socket: Duplex, response: FunctionResponse): void {
  response.shouldKeepAlive = false;
  response.once('finish', () => socket.end(() => socket.destroy()));
  // Any stream will do, as for Node's own server.
  response.assignSocket(socket as Socket);
}

// What a function has written itself must not be followed by a reply of the framework.
function noteFirstWrite(connection: Exchange['connection'] & object): void {
  const { socket } = connection;
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  const noting = (...args: unknown[]): boolean => {
    connection.hasWritten = true;
    Object.defineProperty(socket, 'write', { configurable: true, writable: true, value: write });
    return write(...args);
  };
  Object.defineProperty(socket, 'write', { configurable: true, writable: true, value: noting });
}

// What listens on the connection from now on is code of the call.
function followSocket(socket: Duplex, invocation: Invocation): void {
  const emit = socket.emit.bind(socket) as (...args: unknown[]) => boolean;
  const emitInside = (...args: unknown[]): boolean =>
    runInside(invocation, () => emit(...args)) ?? true;
  Object.defineProperty(socket, 'emit', { configurable: true, writable: true, value: emitInside });
}

/**
 * Calls back once nothing is being answered on a connection any more: a client may ask for an upgrade
 * behind requests that it does not wait for.
 */
export function whenFree(socket: Duplex, proceed: () => void): void {
  // The response that a socket is busy with; Node has no public name for it.
  const { _httpMessage: busy } = socket as { _httpMessage?: FunctionResponse | null };
  if (busy === undefined || busy === null) {
    proceed();
    return;
  }
  busy.once('close', () => {
    // Node may hand the connection to the next response first.
    if (!socket.destroyed) setImmediate(whenFree, socket, proceed);
  });
}

/**
 * Serves a request for an upgrade that nobody wants as the plain request that it is, too (RFC 9110, 7.8):
 * the same bytes without the wish come in once more. For versions of Node.js that detach the connection
 * before they ask.
 */
export function serveAsPlain(
  server: Server,
  { httpVersion, method, rawHeaders, originalUrl }: FunctionRequest,
  socket: Duplex,
  head: Buffer,
): void {
  const lines = [`${method} ${originalUrl} HTTP/${httpVersion}`];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    const value = rawHeaders[index + 1] ?? '';
    const kept = name.toLowerCase() === 'connection' ? withoutUpgrade(value) : value;
    if (name.toLowerCase() !== 'upgrade' && kept !== '') lines.push(`${name}: ${kept}`);
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.emit('connection', socket);
}

function withoutUpgrade(connection: string): string {
  const tokens = connection.split(',').map((token) => token.trim());
  return tokens.filter((token) => token.toLowerCase() !== 'upgrade').join(', ');
}

function ignore(): void {}
