// Traffic as a mix of callers makes it: GETs, POSTs with a body, event streams and WebSockets, each
// reply compared with what was asked.
import { Agent, request as send, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { WebSocket } from 'ws';

/** What became of the requests. */
export interface Tally {
  readonly ok: number;
  /** By what went wrong, such as `POST 502`. */
  readonly failed: Readonly<Record<string, number>>;
}

/** Which requests are sent, and where to. */
export interface Traffic {
  readonly port: number;
  /** The name that they are routed by. */
  readonly host: string;
  readonly requests: number;
  /** Requests at once. */
  readonly concurrency: number;
  /** Default: all. */
  readonly kinds?: readonly Kind[];
  /** Called after each reply, with how many there were. */
  readonly onReply?: (replies: number) => void;
}

/** A kind of request, each with how many of a hundred are such. */
const SHARES = { GET: 60, POST: 36, events: 2, socket: 2 } as const;
type Kind = keyof typeof SHARES;

// Interleaved, so that each moment has some of all.
function kindOf(index: number, kinds: readonly Kind[]): Kind {
  const total = kinds.reduce((sum, kind) => sum + SHARES[kind], 0);
  let place = (index * 37) % total;
  for (const kind of kinds) {
    if (place < SHARES[kind]) return kind;
    place -= SHARES[kind];
  }
  return 'GET';
}

/** Sends them, `concurrency` at a time, and resolves when each has its reply or has failed. */
export async function sendTraffic(traffic: Traffic): Promise<Tally> {
  const { concurrency, kinds = ['GET', 'POST', 'events', 'socket'], onReply, requests } = traffic;
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  const caller: Caller = { ...traffic, agent };
  const failed: Record<string, number> = {};
  let ok = 0;
  let next = 0;
  let replies = 0;

  async function sendInTurn(): Promise<void> {
    while (next < requests) {
      const index = (next += 1);
      const kind = kindOf(index, kinds);
      try {
        await SENDERS[kind](caller, index);
        ok += 1;
      } catch (error) {
        const reason = `${kind} ${(error as Error).message}`;
        failed[reason] = (failed[reason] ?? 0) + 1;
      }
      replies += 1;
      onReply?.(replies);
    }
  }

  await Promise.all(Array.from({ length: concurrency }, sendInTurn));
  agent.destroy();
  return { ok, failed };
}

interface Caller {
  readonly port: number;
  readonly host: string;
  readonly agent: Agent;
}

const SENDERS: Readonly<Record<Kind, (caller: Caller, index: number) => Promise<void>>> = {
  async GET(caller, index) {
    const reply = await exchange(caller, 'GET', `/hello/${index}`);
    expectReply(await text(reply), `Hello, ${index}!`);
  },
  async POST(caller, index) {
    // From some bytes to more than one packet.
    const body = JSON.stringify({ id: index, text: 'x'.repeat((index * 997) % 20_000) });
    const reply = await exchange(caller, 'POST', '/echo', body);
    expectReply(await text(reply), body);
  },
  async events(caller) {
    const reply = await exchange(caller, 'GET', '/events');
    const sent = await text(reply);
    expectReply(sent, [1, 2, 3, 4, 5].map((count) => `data: ${count}\n\n`).join(''));
  },
  async socket(caller, index) {
    let echoed = 0;
    // An instance that stops says so by the code 1001, and what it has not echoed is sent again.
    for (let attempt = 0; echoed < MESSAGES && attempt < 5; attempt += 1) {
      const [count, code] = await converse(caller, index, echoed);
      echoed += count;
      if (echoed < MESSAGES && code !== GOING_AWAY) throw new Error(`closed with ${code}`);
    }
    if (echoed < MESSAGES) throw new Error('never came to its end');
  },
};

const MESSAGES = 5;
const GOING_AWAY = 1001;

function expectReply(got: string, wanted: string): void {
  if (got === wanted) return;
  throw new Error(`has another reply: ${got.slice(0, 60)}`);
}

async function exchange(
  { agent, host, port }: Caller,
  method: string,
  path: string,
  body?: string,
): Promise<IncomingMessage> {
  const headers = { host, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
  const outgoing = send({ agent, port, host: '127.0.0.1', method, path, headers });
  outgoing.end(body);
  const [reply] = (await once(outgoing, 'response')) as [IncomingMessage];
  if (reply.statusCode === 200) return reply;
  reply.resume();
  throw new Error(String(reply.statusCode));
}

/** One connection. Resolves with the messages that were echoed, and the code it was closed with. */
function converse(
  { host, port }: Caller,
  index: number,
  from: number,
): Promise<[count: number, code: number]> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/chat`, { headers: { host } });
    let count = 0;
    const say = (): void => socket.send(`${index}:${from + count}`);
    socket.on('open', say);
    socket.on('message', (data: Buffer) => {
      if (data.toString() !== `${index}:${from + count}`) {
        reject(new Error('got what it did not send'));
        return;
      }
      count += 1;
      if (from + count < MESSAGES) say();
      else socket.close(1000);
    });
    socket.on('close', (code: number) => resolve([count, code]));
    socket.on('unexpected-response', (_, { statusCode }: IncomingMessage) =>
      reject(new Error(String(statusCode))),
    );
    socket.on('error', (error: NodeJS.ErrnoException) =>
      reject(new Error(error.code ?? error.message)),
    );
  });
}
