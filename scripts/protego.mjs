// `npm run -s protego -- …`: the built command line, or a word on how to build it.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './setup.mjs';

const cli = path.join(ROOT, 'dist/apps/cli/src/main.js');
if (existsSync(cli)) {
  await import(cli);
} else {
  console.error('protego is not built yet: run `npm ci && npm run build` once, or `npm start`');
  process.exitCode = 2;
}
