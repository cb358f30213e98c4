import { Client, credentials, status as grpc, type ClientDuplexStream } from '@grpc/grpc-js';
import { Dapr } from '@dapr/dapr/proto/dapr/proto/runtime/v1/dapr_pb.js';
import { expect, it, onTestFinished } from 'vitest';
import { toServiceDefinition } from '../grpc-service.ts';
import { outcomes, PUBSUB, retrying, startSidecar } from '../sidecar.fixture.ts';
import type { Sidecar, SidecarOptions } from '../sidecar.ts';

interface Part {
  readonly subscribeTopicEventsResponseType: {
    readonly case: string;
    readonly value: { readonly id: string; readonly topic: string; readonly data: Uint8Array };
  };
}

async function open(
  initial: object,
  answer: (id: string) => number | undefined,
  options: SidecarOptions = {},
): Promise<{
  sidecar: Sidecar;
  stream: ClientDuplexStream<object, object>;
  first: Promise<string>;
  failed: Promise<{ code: number; details: string }>;
}> {
  const sidecar = await startSidecar({ components: [PUBSUB], ...options });
  const client = new Client(`127.0.0.1:${sidecar.grpcPort}`, credentials.createInsecure());
  onTestFinished(() => client.close());
  const { subscribeTopicEventsAlpha1: method } = toServiceDefinition(Dapr);
  if (method === undefined) throw new Error('no such method');
  const { path, requestSerialize, responseDeserialize } = method;
  const stream = client.makeBidiStreamRequest<object, object>(
    path,
    requestSerialize,
    responseDeserialize,
  );
  const failed = new Promise<{ code: number; details: string }>((resolve) => {
    stream.once('error', (error) => resolve(error as unknown as { code: number; details: string }));
  });
  const first = new Promise<string>((resolve) => {
    stream.on('data', ({ subscribeTopicEventsResponseType: part }: Part) => {
      resolve(part.case);
      if (part.case !== 'eventMessage') return;
      const { id } = part.value;
      const status = answer(id);
      if (status === undefined) return;
      const value = { id, status: { status } };
      stream.write({ subscribeTopicEventsRequestType: { case: 'eventProcessed', value } });
    });
  });
  stream.write({ subscribeTopicEventsRequestType: initial });
  return { sidecar, stream, first, failed };
}

const ORDERS = { case: 'initialRequest', value: { pubsubName: 'pubsub', topic: 'orders' } };

it('delivers events on the stream, and takes a verdict for each', async () => {
  const verdicts: Record<string, number[]> = { a: [0], b: [1, 0], c: [2] };
  const { sidecar, first } = await open(ORDERS, (id) => verdicts[id]?.shift(), {
    resiliency: retrying(3, 1),
  });
  expect(await first).toBe('initialResponse');
  expect(sidecar.engine.subscriptions).toMatchObject([{ topic: 'orders', type: 'STREAMING' }]);
  for (const id of ['a', 'b', 'c']) {
    await sidecar.publish('pubsub', 'orders', 1, { metadata: { 'cloudevent.id': id } });
  }
  await sidecar.idle();
  const of = (id: string) =>
    sidecar.journal.entries.filter((entry) => entry.id === id).map(({ outcome }) => outcome);
  expect(of('a')).toEqual(['delivered', 'acked']);
  expect(of('b')).toEqual(['delivered', 'retried', 'delivered', 'acked']);
  expect(of('c')).toEqual(['delivered', 'dropped']);
});

it('ends the subscription with the stream, and takes what it held for failed', async () => {
  const value = { ...ORDERS.value, deadLetterTopic: 'dead' };
  const { sidecar, stream, first } = await open({ ...ORDERS, value }, () => undefined);
  await first;
  await sidecar.publish('pubsub', 'orders', 1);
  await sidecar.journal.until((journal) => journal.count('delivered') === 1);
  stream.end();
  await sidecar.idle();
  expect(outcomes(sidecar)).toEqual(['delivered', 'deadLettered']);
  expect(sidecar.engine.subscriptions).toEqual([]);
});

it.each([
  ['another first message', { case: 'eventProcessed', value: { id: '1' } }, 'initial request'],
  ['no component', { case: 'initialRequest', value: { topic: 'orders' } }, 'pubsubName'],
  ['no topic', { case: 'initialRequest', value: { pubsubName: 'pubsub' } }, 'topic'],
])('refuses %s', async (_name, initial, reason) => {
  const { failed } = await open(initial, () => undefined);
  expect(await failed).toMatchObject({
    code: grpc.UNKNOWN,
    details: expect.stringContaining(reason) as string,
  });
});

it('refuses a component that is not there', async () => {
  const value = { pubsubName: 'other', topic: 'orders' };
  const { failed } = await open({ case: 'initialRequest', value }, () => undefined);
  expect(await failed).toMatchObject({ code: grpc.INVALID_ARGUMENT });
});

it('refuses a caller without the token', async () => {
  const { failed } = await open(ORDERS, () => undefined, { apiToken: 'secret' });
  expect(await failed).toMatchObject({ code: grpc.UNAUTHENTICATED });
});
