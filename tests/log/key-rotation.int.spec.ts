import { existsSync } from 'node:fs';
import {
  ENCLAVE,
  KILLS_PER_SEED,
  RotationFailure,
  noCounts,
  runSeed,
  type CampaignOptions,
  type RotationCounts,
} from './key-rotation/rotation-campaign';
import { KEEPER_DEFECTS } from './key-rotation/keeper-under-fire';

/** Seeds from ROTATION_FROM on, for ROTATION_KILLS kills; `ROTATION_FROM=17 ROTATION_KILLS=4` runs one seed again. */
const FROM = Number(process.env['ROTATION_FROM'] ?? 0);
const KILLS = Number(process.env['ROTATION_KILLS'] ?? 60);
const SEEDS = Math.ceil(KILLS / KILLS_PER_SEED);
/** Seeds within which a defect must show. */
const DEFECT_SEEDS = 25;

const DEFECTS: readonly (readonly [string, CampaignOptions])[] = [
  ...KEEPER_DEFECTS.map((keeperDefect) => [keeperDefect, { keeperDefect }] as const),
  ['the writer goes on under the old data key', { isWriterStuck: true }],
];

jest.setTimeout(3_600_000);

describe('a log that is killed while its data keys are rotated', () => {
  beforeAll(() => {
    if (!existsSync(ENCLAVE)) throw new Error('the enclave is not built: run `npm run build`');
  });

  it('loses neither a key nor a record', async () => {
    const total = noCounts();
    const failures: string[] = [];
    for (let seed = FROM; seed < FROM + SEEDS; seed++) {
      try {
        const counts = await runSeed(seed);
        for (const key of Object.keys(total) as (keyof RotationCounts)[]) total[key] += counts[key];
      } catch (cause) {
        failures.push(cause instanceof Error ? cause.message : String(cause));
        if (failures.length >= 5) break;
      }
    }
    if (KILLS > 60)
      process.stderr.write(`key rotation, seeds ${FROM} to ${FROM + SEEDS - 1}: ${JSON.stringify(total)}\n`);
    expect(failures).toEqual([]);
    if (SEEDS < 10) return;
    // A campaign in which nothing happens proves nothing.
    for (const [what, count] of Object.entries(total)) expect([what, count > 0]).toEqual([what, true]);
  });

  it.each(DEFECTS)('is found out when %s', async (_, options) => {
    const caught: unknown[] = [];
    for (let seed = 0; seed < DEFECT_SEEDS && caught.length === 0; seed++) {
      await runSeed(seed, options).catch((cause: unknown) => caught.push(cause));
    }
    expect(caught).toEqual([expect.any(RotationFailure)]);
  });
});
