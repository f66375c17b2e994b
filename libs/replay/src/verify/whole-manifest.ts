import { ProtegoError } from '@protego/contracts';
import type { RunManifest } from '../run/run-manifest';

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): boolean => typeof value === 'string';
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isBound = (value: unknown): boolean => value === null || isText(value) || isCount(value);
const hasTexts = (value: unknown): boolean => isObject(value) && Object.values(value).every(isText);
const hasCounts = (value: unknown): boolean => isObject(value) && Object.values(value).every(isCount);

type Shape = Readonly<Record<string, (value: unknown) => boolean>>;

const has = (value: unknown, shape: Shape): boolean =>
  isObject(value) && Object.entries(shape).every(([name, test]) => test(value[name]));

/** What a run is made again from; a hash has 64 hex digits. */
const SHAPE: Shape = {
  log: (value) => has(value, { origin: isText, root: isText, size: isCount }),
  range: (value) =>
    has(value, { readFrom: isCount, emitFrom: isBound, emitTo: isBound, by: (by) => by === 'time' || by === 'seq' }),
  artefacts: hasTexts,
  engine: isText,
  erasuresAt: isCount,
  knowledge: (value) => value === 'then' || value === 'now',
  mutes: (value) =>
    has(value, {
      option: (option) => option === 'honoured' || option === 'ignored',
      ...{ events: isCount, muted: isCount, updated: isCount },
    }),
  outputHash: (value) => /^[0-9a-f]{64}$/.test(String(value)),
  counts: (value) => {
    if (!isObject(value)) return false;
    const { byRule, ...counts } = value;
    return hasCounts(counts) && isCount(counts['detections']) && hasCounts(byRule);
  },
};

/**
 * Requires that a manifest says all that a run is made again from.
 *
 * @throws ProtegoError `MANIFEST_INVALID`
 */
export function requireWholeManifest(manifest: RunManifest): RunManifest {
  const members = manifest as unknown as Readonly<Record<string, unknown>>;
  const wrong = Object.entries(SHAPE).find(([name, test]) => !test(members[name]))?.[0];
  if (wrong === undefined) return manifest;
  throw new ProtegoError('MANIFEST_INVALID', `\`${wrong}\` of the manifest is missing, or is not what a run writes`);
}
