// The app channel over HTTP: each question a request, each reply a verdict.
import { Agent, request as httpRequest } from 'node:http';
import { SidecarError, toMessage } from '../errors.ts';
import { parseSubscriptionList } from '../resources/subscription.ts';
import { invalidSubscriptions, type AppAddress, type AppChannel } from './channel.ts';
import { createGate } from './gate.ts';
import { renderBulk, toForwarded } from './http-message.ts';
import {
  FAILED_BINDING,
  isSuccess,
  sameForAll,
  toBindingReply,
  toVerdict,
  toVerdicts,
  type Reply,
} from './http-reply.ts';

interface Call {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  readonly signal?: AbortSignal;
}

const JSON_TYPE = 'application/json';
const EVENT_TYPE = 'application/cloudevents+json';
const OPTIONS_TIMEOUT = 3000;
// Node's servers close a connection that is idle for 5 s. Closing it earlier ourselves keeps a call
// from being sent on one that the app is just closing.
const IDLE_TIMEOUT = 4000;

/** Creates the channel to an app that serves HTTP. */
export function createHttpChannel(address: AppAddress): AppChannel {
  const agent = new Agent({ keepAlive: true, timeout: IDLE_TIMEOUT, scheduling: 'fifo' });
  const enter = createGate(address.maxConcurrency);

  async function send(call: Call): Promise<Reply> {
    const leave = await enter();
    try {
      return await exchange(call);
    } finally {
      leave();
    }
  }

  function exchange(call: Call): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const headers: Record<string, string> = { ...call.headers };
      if (call.body !== undefined) headers['content-length'] = String(call.body.length);
      if (address.apiToken !== undefined) headers['dapr-api-token'] = address.apiToken;
      const outgoing = httpRequest(
        {
          host: address.host,
          port: address.port,
          method: call.method,
          path: toPath(call.path),
          headers,
          agent,
          ...(call.signal === undefined ? {} : { signal: call.signal }),
        },
        (incoming) => {
          const chunks: Buffer[] = [];
          let size = 0;
          incoming.on('data', (chunk: Buffer) => {
            size += chunk.length;
            if (size > address.maxBodySize) {
              outgoing.destroy(new Error(`the reply is larger than ${address.maxBodySize} bytes`));
            } else chunks.push(chunk);
          });
          incoming.on('end', () => {
            resolve({
              status: incoming.statusCode ?? 0,
              headers: toHeaders(incoming.rawHeaders),
              body: Buffer.concat(chunks, size),
            });
          });
          incoming.on('error', reject);
        },
      );
      outgoing.on('error', reject);
      outgoing.end(call.body);
    });
  }

  return {
    async readConfig() {
      await send({ method: 'GET', path: 'dapr/config', headers: { 'content-type': JSON_TYPE } });
    },

    async listSubscriptions() {
      const headers = { 'content-type': JSON_TYPE, 'dapr-app-id': address.appId };
      const reply = await send({ method: 'GET', path: 'dapr/subscribe', headers });
      if (reply.status !== 200) return [];
      try {
        return parseSubscriptionList(reply.body);
      } catch (cause) {
        throw invalidSubscriptions(cause);
      }
    },

    async takesBinding(name, route) {
      const signal = AbortSignal.timeout(OPTIONS_TIMEOUT);
      const headers = { 'content-type': JSON_TYPE };
      try {
        const { status } = await send({ method: 'OPTIONS', path: route, headers, signal });
        return isSuccess(status) || status === 405;
      } catch (cause) {
        const message = `could not invoke OPTIONS method on input binding subscription endpoint "${route}" of ${name}: ${toMessage(cause)}`;
        throw new SidecarError('ERR_BINDING_PROBE', message, { cause });
      }
    },

    async probe(path, signal) {
      try {
        // Not through the gate: a busy app is not a sick one.
        return isSuccess((await exchange({ method: 'GET', path, signal })).status);
      } catch {
        return false;
      }
    },

    async deliver(delivery, signal) {
      const headers = { ...toForwarded(delivery.metadata), 'content-type': EVENT_TYPE };
      try {
        const { path, data: body } = delivery;
        return toVerdict(await send({ method: 'POST', path, headers, body, signal }));
      } catch (error) {
        return { kind: 'retry', reason: `error from app channel: ${toMessage(error)}` };
      }
    },

    async deliverBulk(delivery, signal) {
      const sent = { ...delivery.metadata, ...delivery.trace };
      const headers = { ...toForwarded(sent), 'content-type': JSON_TYPE };
      const body = renderBulk(delivery);
      try {
        const reply = await send({ method: 'POST', path: delivery.path, headers, body, signal });
        return toVerdicts(delivery, reply);
      } catch (error) {
        const reason = `error from app channel: ${toMessage(error)}`;
        return sameForAll(delivery, { kind: 'retry', reason });
      }
    },

    async deliverBinding(event, signal) {
      const sent = { ...event.metadata, ...event.trace };
      const headers = { ...toForwarded(sent), 'content-type': JSON_TYPE };
      try {
        const { route: path, data: body } = event;
        return toBindingReply(await send({ method: 'POST', path, headers, body, signal }));
      } catch (error) {
        const reason = `error invoking app: ${toMessage(error)}`;
        return { ...FAILED_BINDING, reason };
      }
    },

    async invoke(request, signal) {
      const path = request.query === '' ? request.method : `${request.method}?${request.query}`;
      const { 'content-type': type } = request.headers;
      const headers = { ...toForwarded(request.headers), ...(type && { 'content-type': type }) };
      return send({ method: request.verb, path, headers, body: request.body, signal });
    },

    close() {
      agent.destroy();
    },
  };
}

function toHeaders(raw: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let index = 0; index < raw.length; index += 2) {
    const name = (raw[index] as string).toLowerCase();
    const value = raw[index + 1] as string;
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  return headers;
}

// Resolved as a URL is: no `..` of a method name leaves the app's own paths.
function toPath(path: string): string {
  const url = new URL(`http://app/${path.replace(/^\/+/, '')}`);
  return `${url.pathname}${url.search}`;
}
