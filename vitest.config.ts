import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // One more than there are cores: most tests wait more than they compute.
    maxWorkers: availableParallelism() + 1,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts'],
        },
      },
      {
        // Real processes and sockets, against what `pnpm build` made.
        test: {
          name: 'system',
          include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
          exclude: ['**/node_modules/**', 'test/bench/**'],
          testTimeout: 60_000,
        },
      },
    ],
    reporters: ['default', ['json', { outputFile: 'coverage/test-results.json' }]],
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**/*.ts'],
      // main.ts is a bin: it runs in processes of its own, in the system tests.
      exclude: ['**/*.{test,fixture}.ts', '**/*.d.ts', 'packages/*/src/main.ts'],
      reporter: ['text-summary', 'html', 'json-summary'],
      thresholds: { 'packages/core/src/**/*.ts': { lines: 95 } },
    },
  },
});
