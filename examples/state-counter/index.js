// A counter in a state store: an etag keeps two requests from counting the same visit.
import { OfnError, openfunction } from '@ofn/core';

openfunction('count', { path: '/visits/:page', methods: ['GET', 'POST'] }, async (ctx) => {
  const { page } = ctx.req.params;
  if (ctx.req.method === 'POST') return { page, visits: await increment(ctx.states.visits, page) };
  return { page, visits: (await ctx.states.visits.get(page)) ?? 0 };
});

async function increment(store, key) {
  for (;;) {
    const found = await store.getWithEtag(key);
    const count = (found?.value ?? 0) + 1;
    try {
      // Without an etag, first-write saves only a key that is not there yet.
      await store.save(key, count, { etag: found?.etag, concurrency: 'first-write' });
      return count;
    } catch (error) {
      // Another request was first: one of them always gets on, so this ends.
      if (!(error instanceof OfnError) || error.code !== 'OFN_STATE_CONFLICT') throw error;
    }
  }
}
