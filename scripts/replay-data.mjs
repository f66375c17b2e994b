// `node scripts/replay-data.mjs`: makes the histories of replay-data anew, with what the shipped rules find in them.
import { rmSync } from 'node:fs';
import path from 'node:path';
import { ROOT, SetupError, build, ensureDependencies, main, requireNode, run } from './setup.mjs';

const SETTINGS = { wards: '1', bedsPerWard: '16', attacksPerDay: '24', twinsPerDay: '24' };
const HISTORIES = [
  { name: 'general', seed: '1' },
  { name: 'pocket-ehr', seed: '2' },
  { name: 'food-coach', seed: '3' },
];

await main(async () => {
  requireNode();
  await ensureDependencies();
  await build();
  const protego = path.join(ROOT, 'dist/apps/cli/src/main.js');
  for (const { name, seed } of HISTORIES) {
    const out = path.join(ROOT, 'replay-data', name);
    rmSync(out, { recursive: true, force: true });
    const set = Object.entries(SETTINGS).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
    const args = ['simulate', '--scenario', name, '--seed', seed, '--days', '1', ...set, '--out', out];
    const { status } = await run(process.execPath, [protego, ...args]);
    if (status !== 0) throw new SetupError(`the history ${name} could not be made`);
  }
  process.env.UPDATE_GOLDEN = '1';
  const jest = path.join(ROOT, 'node_modules/jest/bin/jest.js');
  const { status } = await run(process.execPath, [jest, '--selectProjects', 'golden', '--runInBand']);
  process.exitCode = status;
});
