// Encoded segments go out as one stream, a few at a time: no call waits long for many to be written.
import type { ServiceError } from '@grpc/grpc-js';
import type { OutgoingStream } from './calls.ts';

// Writing one takes about 10 µs; a stream of Node.js has room for 16.
const WRITTEN_AT_ONCE = 10;

/**
 * Sends segments over a stream, with a turn of the event loop between a few and the next few.
 * Resolves with what the collector failed with; `undefined` when it took all.
 */
export async function sendSegments(
  segments: readonly Buffer[],
  stream: OutgoingStream,
  turn: () => Promise<void>,
): Promise<ServiceError | undefined> {
  for (const [index, segment] of segments.entries()) {
    if (index > 0 && index % WRITTEN_AT_ONCE === 0) {
      await turn();
      await stream.room();
    }
    if (stream.answered) break;
    stream.write(segment);
  }
  return stream.end();
}
