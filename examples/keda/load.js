// Sends requests at a steady rate, whether answers come or not, and prints what came back.
//   node load.js [requests a second] [seconds] [address]
const [rate = 120, seconds = 30] = process.argv.slice(2, 4).map(Number);
const address = process.argv[4] ?? 'http://localhost:8080/';

const statuses = new Map();
const instances = new Set();
const latencies = [];
let waited = 0;

async function send() {
  const begin = performance.now();
  const status = await fetch(address).then(
    async (response) => {
      if (response.headers.get('x-keda-http-cold-start') === 'true') waited += 1;
      if (response.ok) instances.add(response.headers.get('x-instance'));
      await response.arrayBuffer();
      return response.status;
    },
    ({ cause }) => cause?.code ?? 'failed',
  );
  latencies.push(performance.now() - begin);
  statuses.set(status, (statuses.get(status) ?? 0) + 1);
}

const requests = [];
const begin = performance.now();
await new Promise((resolve) => {
  const timer = setInterval(() => {
    const due = Math.min(rate * seconds, ((performance.now() - begin) / 1000) * rate);
    while (requests.length < due) requests.push(send());
    if (requests.length < rate * seconds) return;
    clearInterval(timer);
    resolve();
  }, 5);
});
await Promise.all(requests);

latencies.sort((one, other) => one - other);
const percentile = (share) => Math.round(latencies[Math.ceil(latencies.length * share) - 1]);
for (const [status, count] of statuses) console.log(`${count} × ${status}`);
console.log(`${waited} waited for a first instance; ${instances.size} instances answered`);
console.log(`p50 ${percentile(0.5)} ms, p99 ${percentile(0.99)} ms`);
