// Server-sent events: what is there now, and then what happens, to a client that keeps up.
import { PlatformError } from '../errors.ts';
import { toProblem } from './problem.ts';

/** One of them. */
export interface ServerSentEvent {
  readonly event: string;
  readonly data: unknown;
}

/** What a stream is made from. */
interface EventStreamOptions {
  /** What is there now. */
  readonly first: readonly ServerSentEvent[];
  /** Calls back with what happens from now on. Returns what ends that. */
  readonly subscribe: (send: (event: ServerSentEvent) => void) => () => void;
  /** Ends the stream. */
  readonly stop: AbortSignal;
}

// Bytes that may wait for a client, beyond what is there at its start.
const BUFFER = 4 * 1024 * 1024;

/**
 * Makes the response. A client that lets too much wait is told so in an event `error`, and its stream ends: it
 * can ask again, and misses nothing of what is there by then.
 */
export function createEventStream({ first, stop, subscribe }: EventStreamOptions): Response {
  const chunks = first.map(encode);
  const size = chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
  let close = (): void => {};
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        for (const chunk of chunks) controller.enqueue(chunk);
        const unsubscribe = subscribe((event) => {
          if ((controller.desiredSize ?? 0) > 0) return controller.enqueue(encode(event));
          controller.enqueue(encode({ event: 'error', data: toProblem(slow()) }));
          close();
          controller.close();
        });
        const onStop = (): void => {
          close();
          controller.close();
        };
        stop.addEventListener('abort', onStop, { once: true });
        close = () => {
          unsubscribe();
          stop.removeEventListener('abort', onStop);
        };
        if (stop.aborted) onStop();
      },
      cancel: () => close(),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: size + BUFFER }),
  );
  return new Response(body, {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' },
  });
}

const encoder = new TextEncoder();

function encode({ data, event }: ServerSentEvent): Uint8Array {
  return encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}

function slow(): PlatformError {
  const message = 'the client reads slower than things happen; ask again to see what is there now';
  return new PlatformError('OFN_PLATFORM_CLIENT_SLOW', message);
}
