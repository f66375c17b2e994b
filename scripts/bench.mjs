// `npm run bench [-- ARGUMENTS]`: sets up what is missing, then measures with the built code.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { ROOT, ensureBuild, ensureDependencies, main, requireNode } from './setup.mjs';

await main(async () => {
  requireNode();
  await ensureDependencies();
  await ensureBuild();
  const bench = path.join(ROOT, 'dist/bench/main.js');
  const { status } = spawnSync(process.execPath, [bench, ...process.argv.slice(2)], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
});
