import { defineConfig } from 'vitest/config';

// Tests that need a compiler which npm does not bring: `npm run test:languages` runs them where it is there.
export default defineConfig({
  test: {
    include: ['test/languages/**/*.toolchain.ts'],
    testTimeout: 300_000,
    // Rust's libraries are made once, of their sources.
    hookTimeout: 1_200_000,
    maxWorkers: 1,
  },
});
