// One message goes to its target; what came of it comes back.
import { Agent, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { AdminClient } from '../admin/client.ts';
import { CommandError } from '../terminal.ts';
import type { Message } from './message.ts';
import type { Target } from './target.ts';

/** What came of a message. */
export interface Reply {
  /** Whether it was taken: for HTTP, a status below 400. */
  readonly ok: boolean;
  /** For people, such as `200 OK`, or `published to mq/orders`. */
  readonly outcome: string;
  /** As they were sent: names and values in turn. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** How HTTP requests are made. */
export interface RequestFlags {
  readonly method?: string;
  readonly path: string;
}

/** Makes what sends messages to a target. */
export async function createSender(
  client: AdminClient,
  target: Target,
  { method, path }: RequestFlags,
  signal: AbortSignal,
): Promise<(message: Message) => Promise<Reply>> {
  if (target.type !== 'http') return (message) => sendEvent(client, target, message, signal);
  const { port } = await client.info();
  const agent = new Agent({ keepAlive: true });
  return async ({ body, headers }) => {
    const outgoing = request({
      agent,
      host: '127.0.0.1',
      port,
      path,
      method: method ?? (body.length > 0 ? 'POST' : 'GET'),
      // By this name of itself, which is not looked up: not every system knows it.
      headers: { host: `${target.host}:${port}`, ...headers },
      signal,
    });
    return new Promise((resolve, reject) => {
      outgoing.on('error', (cause) => reject(new CommandError(cause.message, { cause })));
      outgoing.on('response', (response) => {
        const { rawHeaders, statusCode = 0, statusMessage = '' } = response;
        const outcome = `${statusCode} ${statusMessage}`.trimEnd();
        buffer(response).then(
          (bytes) => resolve({ ok: statusCode < 400, outcome, headers: rawHeaders, body: bytes }),
          reject,
        );
      });
      outgoing.end(body);
    });
  };
}

async function sendEvent(
  client: AdminClient,
  target: Exclude<Target, { readonly type: 'http' }>,
  { body, headers }: Message,
  signal: AbortSignal,
): Promise<Reply> {
  const type = headers['content-type'] ?? 'application/octet-stream';
  const reply = await client.post(toPath(target), body, type, signal);
  return { ok: true, outcome: renderOutcome(target, reply.status), headers: [], body: reply.body };
}

function renderOutcome(target: Exclude<Target, { readonly type: 'http' }>, status: number): string {
  if (target.type === 'topic') return `published to ${target.pubsub}/${target.topic}`;
  if (status === 202) return `kept until there is an instance of ${target.name}`;
  return `taken by ${target.name}`;
}

function toPath(target: Exclude<Target, { readonly type: 'http' }>): string {
  const parts =
    target.type === 'topic'
      ? ['topics', target.pubsub, target.topic]
      : ['functions', target.namespace, target.name, 'bindings', target.binding];
  return `/${parts.map(encodeURIComponent).join('/')}`;
}
