// A function that writes down each event it has handled, in an append-only file (variable RECORD).
// An event may say that it fails once, and how long it takes; with STORE, its effect is a counter in
// that state store, committed together with the record of the plugin `idempotent`.
import { openSync, writeSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { idempotencyRecord, idempotent, RetryError, topic, use } from '@ofn/core';

const record = openSync(process.env.RECORD, 'a');
const store = process.env.STORE;
// The lease only has to be longer than a call takes: what a killed process held is free after it.
if (store !== undefined) use(idempotent({ store, ttl: '1h', lease: '1s' }));

const failed = new Set();

topic('orders', { pubsub: 'pubsub' }, async (ctx, { failsOnce, takes }) => {
  const { id } = ctx.event;
  if (failsOnce && !failed.has(id)) {
    failed.add(id);
    throw new RetryError('asked for');
  }
  await wait(takes);
  if (store !== undefined) await count(ctx, id);
  writeSync(record, `${id}\n`);
});

async function count(ctx, id) {
  const counter = `effect ${id}`;
  const found = await ctx.states[store].getWithEtag(counter);
  const value = (found?.value ?? 0) + 1;
  const request = { key: counter, value, etag: found?.etag, concurrency: 'first-write' };
  await ctx.states[store].transaction([{ operation: 'upsert', request }, idempotencyRecord(ctx)]);
}
