// The admin API of a platform, as commands ask it.
import type { PlatformInfo, PlatformObject } from '@ofn/platform';
import { CommandError } from '../terminal.ts';
import type { KindPath } from './kinds.ts';

/** A server-sent event. */
export interface StreamEvent {
  readonly event: string;
  readonly data: unknown;
}

/** Parameters of a path; those that are `undefined` are left out. */
type Parameters = Readonly<Record<string, string | undefined>>;

/** A platform that is asked. All reject with a CommandError when it does not answer, or refuses. */
export interface AdminClient {
  readonly info: () => Promise<PlatformInfo>;
  readonly list: <Item = PlatformObject>(
    path: KindPath | 'logs' | 'traces',
    parameters: Parameters,
  ) => Promise<readonly Item[]>;
  /** One object by its path. */
  readonly find: <Item>(path: string) => Promise<Item>;
  /** What is there and what happens, until the signal ends it. */
  readonly stream: (
    path: KindPath | 'logs',
    parameters: Parameters,
    signal: AbortSignal,
  ) => AsyncIterable<StreamEvent>;
  /** Resolves to the reply. */
  readonly post: (
    path: string,
    body: Uint8Array,
    contentType: string,
    signal: AbortSignal,
  ) => Promise<{ readonly status: number; readonly body: Buffer }>;
}

/**
 * Creates a client.
 *
 * @param unreachable What is said when nothing answers.
 */
export function createClient(origin: string, unreachable: string): AdminClient {
  async function ask(path: string, init: RequestInit = {}): Promise<Response> {
    const response = await fetch(new URL(path, origin), init).catch((cause: unknown) => {
      const isEnded = init.signal?.aborted === true;
      throw new CommandError(isEnded ? 'it was ended before the reply' : unreachable, { cause });
    });
    if (response.ok) return response;
    throw new CommandError(await reasonOf(response));
  }

  async function read<Body>(path: string): Promise<Body> {
    const response = await ask(path);
    const text = await response.text();
    try {
      return JSON.parse(text) as Body;
    } catch (cause) {
      throw new CommandError(STRANGER, { cause });
    }
  }

  return {
    async info() {
      const found = await read<PlatformInfo>('/');
      if (found.kind !== 'Platform') throw new CommandError(STRANGER);
      return found;
    },
    async list<Item>(path: string, parameters: Parameters): Promise<readonly Item[]> {
      const { items } = await read<{ items?: readonly Item[] }>(toPath(path, parameters));
      if (items === undefined) throw new CommandError(STRANGER);
      return items;
    },
    find: async <Item>(path: string) => (await (await ask(path)).json()) as Item,
    async *stream(path, parameters, signal) {
      const headers = { accept: 'text/event-stream' };
      try {
        const { body } = await ask(toPath(path, parameters), { headers, signal });
        const { EventSourceParserStream } = await import('eventsource-parser/stream');
        const events = body
          ?.pipeThrough(new TextDecoderStream())
          .pipeThrough(new EventSourceParserStream());
        for await (const { data, event = 'message' } of events ?? []) {
          yield toEvent(event, JSON.parse(data));
        }
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof CommandError) throw error;
        throw new CommandError('ofn dev has ended', { cause: error });
      }
      if (!signal.aborted) throw new CommandError('ofn dev has ended');
    },
    async post(path, body, contentType, signal) {
      const headers = { 'content-type': contentType };
      const response = await ask(path, { method: 'POST', body, headers, signal });
      return { status: response.status, body: Buffer.from(await response.arrayBuffer()) };
    },
  };
}

function toEvent(event: string, data: unknown): StreamEvent {
  if (event === 'error') throw new CommandError((data as { detail: string }).detail);
  return { event, data };
}

function toPath(path: string, parameters: Parameters): string {
  const given = Object.entries(parameters).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return `/${path}?${new URLSearchParams(given).toString()}`;
}

const STRANGER = 'what answers is no admin API of ofn dev: that of functions has another port';

async function reasonOf(response: Response): Promise<string> {
  const text = await response.text();
  try {
    const { code, detail } = JSON.parse(text) as { code?: string; detail?: string };
    if (detail !== undefined) return code === undefined ? detail : `${detail} (${code})`;
  } catch {
    // Not of a platform.
  }
  return `the admin API answers ${response.status}: is it that of ofn dev?`;
}
