import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    reporters: ['default', './test/fixtures/planted-reporter.ts'],
    testTimeout: 120_000,
    hookTimeout: 300_000,
    maxWorkers: 2,
    // Tests of one file that say they may run beside each other mostly wait: for what never comes.
    maxConcurrency: 24,
  },
});
