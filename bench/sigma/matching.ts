import { loadRuleFiles } from '@protego/artefacts';
import { SigmaMatcher, compileSigma, type SigmaRecord, type SigmaRule } from '@protego/streams';
import type { BenchCase, Contest } from '../bench-case';
import { PUBLIC_RULES, WINDOWS_RECORDINGS, missingData } from '../places';
import { ratePerSecond } from '../rounds';
import { RulesInTurn } from './rules-in-turn';
import { windowsRecords } from './windows-records';

/** Prime, so that no rhythm of the recordings is hit. */
const TAKE_EVERY = 7;
/** Passes over the few starts of processes in one round. */
const PROCESS_PASSES = 4;
const SYSMON = 'microsoft-windows-sysmon/operational';

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
  const rateOf = (countMatches: (record: SigmaRecord) => number): number => {
    const startMs = performance.now();
    for (let pass = 0; pass < passes; pass++) for (const record of records) countMatches(record);
    return ratePerSecond(passes * records.length, performance.now() - startMs);
  };
  return {
    product: () => rateOf((record) => shared.match(record).length),
    peer: () => rateOf((record) => inTurn.match(record).length),
  };
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
