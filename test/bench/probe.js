// Preloaded into a measured server: tells, when asked, what the process has used so far.

process.on('message', (question) => {
  if (question === 'collect') {
    // Twice: the first frees what finalizers hold, the second what they let go.
    globalThis.gc();
    globalThis.gc();
  }
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  process.send({ cpu: user + system, rss, heapUsed });
});
process.on('disconnect', () => process.exit());
