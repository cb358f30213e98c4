import { expect, it } from 'vitest';
import type { OutgoingStream } from './calls.ts';
import { sendSegments } from './report.ts';

/** A collector's end of a stream, which has room when it is told so. */
function createStream() {
  const written: Buffer[] = [];
  let makeRoom = (): void => {};
  let ended = false;
  const stream: OutgoingStream & { answered: boolean } = {
    answered: false,
    write: (bytes) => void written.push(bytes),
    room: () => new Promise((resolve) => (makeRoom = resolve)),
    async end() {
      ended = true;
      return undefined;
    },
  };
  return { stream, written, makeRoom: () => makeRoom(), ended: () => ended };
}

const segments = Array.from({ length: 25 }, (_, index) => Buffer.of(index));
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('writes no more than a collector reads', async () => {
  const { stream, written, makeRoom, ended } = createStream();
  const sent = sendSegments(segments, stream, turn);
  await turn();
  await turn();
  expect(written).toHaveLength(10);
  makeRoom();
  await turn();
  await turn();
  expect(written).toHaveLength(20);
  expect(ended()).toBe(false);
  makeRoom();
  expect(await sent).toBeUndefined();
  expect(written).toEqual(segments);
  expect(ended()).toBe(true);
});

it('stops to write when the collector has answered', async () => {
  const { stream, written, makeRoom } = createStream();
  const sent = sendSegments(segments, stream, turn);
  await turn();
  await turn();
  stream.answered = true;
  makeRoom();
  await sent;
  expect(written).toHaveLength(10);
});
