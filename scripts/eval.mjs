// `npm run eval [-- ARGUMENTS]`: sets up what is missing, then evaluates what the built rules and detectors find.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { ROOT, ensureBuild, ensureDependencies, main, requireNode } from './setup.mjs';

await main(async () => {
  requireNode();
  await ensureDependencies();
  await ensureBuild();
  const evaluation = path.join(ROOT, 'dist/eval/main.js');
  const { status } = spawnSync(process.execPath, [evaluation, ...process.argv.slice(2)], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
});
