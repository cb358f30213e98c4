// A user's own test: the testing export, from CommonJS.
const { createTestRuntime } = require('@ofn/core/testing');

async function main() {
  const runtime = await createTestRuntime({ source: `${__dirname}/functions.cjs` });
  const response = await runtime.http('greet', { body: { name: 'Ada' } });
  process.stdout.write(await response.text());
  await runtime.close();
}

void main();
