// Takes what functions report to SkyWalking, and prints each trace as a tree. Argument: the port.
import { renderTraceTree, startCollector } from '@ofn/tracing/testing';

// A function reports each second: after one without news, all of a trace is here. What comes later
// has the trace printed again.
const QUIET = 1000;

const collector = await startCollector({ port: Number(process.argv[2]) });
console.log(`collecting at ${collector.address}`);

const lastNews = new Map();
let seen = 0;

setInterval(() => {
  const now = performance.now();
  for (const { traceid } of collector.segments.slice(seen)) lastNews.set(traceid, now);
  seen = collector.segments.length;
  for (const [id, since] of lastNews) {
    if (now - since < QUIET) continue;
    lastNews.delete(id);
    console.log(renderTraceTree(collector.segments.filter(({ traceid }) => traceid === id)));
  }
}, 100);
