// Upgrades: the request goes to the instance, and when that switches protocols, both connections become
// one, until either end closes.
import { request as send, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Call, Forward } from './call.ts';
import { toForwardedHeaders, toResponseHeaders } from './headers.ts';
import { renderHead, sendHead, sendInformation } from './reply.ts';
import { hasBody } from './request-body.ts';
import { toForwardedTarget } from './target.ts';

/**
 * Makes what sends an upgrade on.
 *
 * @param socket The connection of the caller.
 * @param head What the caller has sent already after its request.
 */
export function createTunnel(socket: Duplex, head: Buffer): Forward {
  const stopWatching = watch(socket);
  return (call) => void open(call, socket, head, stopWatching);
}

async function open(
  call: Call,
  caller: Duplex,
  head: Buffer,
  stopWatching: () => void,
): Promise<void> {
  const { dialer, profile, settings } = call.shared;
  if (hasBody(call.request)) {
    // Node hands such a connection over without having read the body.
    call.fail(501, 'an upgrade with a body is not passed on');
    return;
  }
  let instance: Duplex;
  try {
    ({ socket: instance } = await dialer.dial(call.service, call.signal));
  } catch (error) {
    call.failToDial(error);
    return;
  }
  const { request, service, target } = call;
  const { list } = toForwardedHeaders(request, profile, target.host, service.authority);
  const outgoing = send({
    method: request.method ?? 'GET',
    path: toForwardedTarget(target, profile),
    headers: [...list, 'Connection', 'Upgrade', 'Upgrade', request.headers.upgrade ?? ''],
    createConnection: () => instance,
  });
  outgoing.maxHeadersCount = 0;
  const timeout = call.route.timeouts.responseHeader ?? settings.responseHeaderTimeout;
  const late = (): void =>
    call.fail(profile.timeoutStatus, `no response headers within ${timeout} ms`);
  const timer = timeout > 0 ? setTimeout(late, timeout) : undefined;
  call.onEnd = () => {
    clearTimeout(timer);
    outgoing.destroy();
  };
  outgoing.on('error', (error) => call.fail(502, error.message));
  outgoing.on('information', ({ rawHeaders, statusCode }) => {
    const { list: passed } = toResponseHeaders(toRaw(rawHeaders), statusCode, false);
    sendInformation(call.response, statusCode, passed);
  });
  outgoing.on('response', (response) => {
    clearTimeout(timer);
    pass(call, response);
  });
  outgoing.on('upgrade', (response, socket, rest) => {
    clearTimeout(timer);
    if (!profile.hasUpgrades) {
      socket.destroy();
      call.fail(502, 'add-on 0.5 does not pass upgrades on');
      return;
    }
    if (protocolOf(response) !== protocolOf(request)) {
      socket.destroy();
      call.fail(502, 'the instance switched to another protocol');
      return;
    }
    call.onEnd = () => socket.destroy();
    call.isTunnel = true;
    stopWatching();
    const { rawHeaders, statusCode = 101, statusMessage = '' } = response;
    const answered = renderHead(statusCode, statusMessage, [...rawHeaders, ...call.addedHeaders]);
    caller.write(answered, 'latin1');
    join(caller, socket);
    if (rest.length > 0) caller.write(rest);
    if (head.length > 0) socket.write(head);
  });
  outgoing.end();
}

// Nobody reads from a caller until there is a tunnel: one that ends its half before is gone.
function watch(caller: Duplex): () => void {
  const look = (): void => void caller.read(0);
  const leave = (): void => void caller.destroy();
  caller.on('readable', look);
  caller.on('end', leave);
  return () => {
    caller.removeListener('readable', look);
    caller.removeListener('end', leave);
  };
}

// A half that ends is passed on; a connection that breaks takes the other one with it.
function join(caller: Duplex, instance: Duplex): void {
  for (const [from, to] of [
    [caller, instance],
    [instance, caller],
  ] as const) {
    from.on('error', () => to.destroy());
    from.on('close', () => {
      if (!from.readableEnded) to.destroy();
    });
    from.pipe(to);
  }
}

// The instance did not switch: its answer is one like any other.
function pass(call: Call, response: IncomingMessage): void {
  const { statusCode = 502 } = response;
  if (statusCode === 101) {
    call.fail(502, 'the instance did not say which protocol it switched to');
    return;
  }
  const { list } = toResponseHeaders(toRaw(response.rawHeaders), statusCode, false);
  list.push(...call.addedHeaders);
  sendHead(call.response, statusCode, list);
  response.pipe(call.response);
  response.on('error', () => call.response.destroy());
}

function protocolOf({ headers }: IncomingMessage): string | undefined {
  return headers.upgrade?.toLowerCase();
}

function toRaw(headers: readonly string[]): Buffer[] {
  return headers.map((text) => Buffer.from(text, 'latin1'));
}
