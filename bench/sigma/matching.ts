import { loadRuleFiles } from '@protego/artefacts';
import { SigmaMatcher, compileSigma, type SigmaRecord, type SigmaRule } from '@protego/streams';
import type { BenchCase, Contest } from '../bench-case';
import { PUBLIC_RULES, WINDOWS_RECORDINGS, missingData } from '../places';
import { ratePerSecond } from '../rounds';
import { routeMix } from './route-mix';
import { RulesInTurn } from './rules-in-turn';
import { windowsRecords } from './windows-records';

/** Prime, so that no rhythm of the recordings is hit. */
const TAKE_EVERY = 7;
/** Passes over the few records of one kind in one round. */
const PROCESS_PASSES = 40;
const SCRIPT_PASSES = 40;
/** Every so many rules one is taken for a tenth of them; no two of a file follow each other. */
const TENTH = 10;
const SYSMON = 'microsoft-windows-sysmon/operational';
const POWERSHELL = 'microsoft-windows-powershell/operational';

const missing = (): string | undefined => missingData(PUBLIC_RULES, WINDOWS_RECORDINGS);
const peer = 'each routed rule in turn, as plain closures';

/** Throughput over all that Windows hosts write. */
export const ALL_RULES: BenchCase = {
  bench: 'sigma',
  metric: 'all-rules',
  unit: 'events/s',
  description:
    'All public Sigma rules over every seventh record of the decoded recordings of attacks on Windows hosts; one core.',
  peer,
  missing,
  prepare: async () => contestOn(await windowsRecords((_, n) => n % TAKE_EVERY === 0), 1),
};

/** Throughput over starts of processes, for which most rules are written. */
export const PROCESS_CREATION: BenchCase = {
  bench: 'sigma',
  metric: 'process-creation',
  unit: 'events/s',
  description:
    'All public Sigma rules over the starts of processes (Sysmon 1, Security 4688) in the same recordings; one core.',
  peer,
  missing,
  prepare: async () => contestOn(await windowsRecords(isProcessStart), PROCESS_PASSES),
};

/** Throughput over the texts of scripts, which are the longest values that there are. */
export const SCRIPT_BLOCK: BenchCase = {
  bench: 'sigma',
  metric: 'script-block',
  unit: 'events/s',
  description: 'All public Sigma rules over the texts of PowerShell scripts (4104) in the same recordings; one core.',
  peer,
  missing,
  prepare: async () => contestOn(await windowsRecords(isScriptBlock), SCRIPT_PASSES),
};

/** How throughput depends on the number of rules. */
export const TEN_PERCENT: BenchCase = {
  bench: 'sigma',
  metric: 'ten-percent',
  unit: 'events/s',
  description:
    'A tenth of the public Sigma rules over the records of `all-rules`; the ratio says how much faster than all of them; one core.',
  peer: 'all public rules',
  missing,
  prepare: async () => {
    const records = await windowsRecords((_, n) => n % TAKE_EVERY === 0);
    const { rules } = compileSigma(loadRuleFiles(PUBLIC_RULES));
    const [tenth, all] = [new SigmaMatcher(rules.filter((_, n) => n % TENTH === 0)), new SigmaMatcher(rules)];
    return {
      input: routeMix(records),
      product: () => rateOver(records, 1, (record) => tenth.match(record).length),
      peer: () => rateOver(records, 1, (record) => all.match(record).length),
    };
  },
};

/** Throughput from JSON text, which is parsed as a whole. */
export const FROM_BYTES: BenchCase = {
  bench: 'sigma',
  metric: 'from-bytes',
  unit: 'events/s',
  description: 'The same as `all-rules` from the bytes of each record as JSON; one core.',
  missing,
  prepare: async () => {
    const records = await windowsRecords((_, n) => n % TAKE_EVERY === 0);
    const lines = records.map(({ type, data }) => ({ type, bytes: Buffer.from(JSON.stringify(data)) }));
    const { rules } = compileSigma(loadRuleFiles(PUBLIC_RULES));
    const matcher = new SigmaMatcher(rules);
    const match = ({ type, bytes }: (typeof lines)[number]): number =>
      matcher.match({ type, data: JSON.parse(bytes.toString()) as SigmaRecord['data'] }).length;
    return { input: routeMix(records), product: () => rateOver(lines, 1, match) };
  },
};

function isScriptBlock(data: SigmaRecord['data']): boolean {
  return String(data['Channel']).toLowerCase() === POWERSHELL && String(data['EventID']) === '4104';
}

function isProcessStart(data: SigmaRecord['data']): boolean {
  const channel = String(data['Channel']).toLowerCase();
  const eventId = String(data['EventID']);
  return (channel === SYSMON && eventId === '1') || (channel === 'security' && eventId === '4688');
}

function contestOn(records: readonly SigmaRecord[], passes: number): Contest {
  const { rules } = compileSigma(loadRuleFiles(PUBLIC_RULES));
  const shared = new SigmaMatcher(rules);
  const inTurn = new RulesInTurn(rules, records);
  requireSameMatches(records, shared, inTurn);
  // The peer is so slow that one pass tells enough.
  return {
    input: routeMix(records),
    product: () => rateOver(records, passes, (record) => shared.match(record).length),
    peer: () => rateOver(records, 1, (record) => inTurn.match(record).length),
  };
}

function rateOver<Item>(items: readonly Item[], passes: number, countMatches: (item: Item) => number): number {
  const startMs = performance.now();
  for (let pass = 0; pass < passes; pass++) for (const item of items) countMatches(item);
  return ratePerSecond(passes * items.length, performance.now() - startMs);
}

// Two ways that find different things cannot be compared.
function requireSameMatches(records: readonly SigmaRecord[], shared: SigmaMatcher, inTurn: RulesInTurn): void {
  const idsOf = (rules: readonly SigmaRule[]): string => rules.map(({ id }) => id).join();
  for (const record of records) {
    const [product, peerMatches] = [idsOf(shared.match(record).map(({ rule }) => rule)), idsOf(inTurn.match(record))];
    if (product !== peerMatches)
      throw new Error(
        `product and peer differ on event ${String(record.envelope?.['id'])}: ${product} | ${peerMatches}`,
      );
  }
}
