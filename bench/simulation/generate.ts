import type { ProtegoEvent } from '@protego/contracts';
import { simulateHospital } from '@protego/simulation';
import type { BenchCase, Contest } from '../bench-case';
import { ratePerSecond } from '../rounds';

/** Twelve wards of 25 beds: a hospital of 300. */
const SETTINGS = { wards: '12', bedsPerWard: '25' };
const DAYS = 3;
const SEED = 1;

/** Throughput of the simulation on one thread. */
export const SIMULATION_GENERATE: BenchCase = {
  bench: 'simulation',
  metric: 'generate',
  unit: 'events/s',
  description:
    'Three days of a simulated hospital of 300 beds, attacks included, made event by event on one thread; beside writing the same events as JSON.',
  peer: 'JSON.stringify of the same events',
  prepare,
};

function prepare(): Contest {
  const known = [...eventsOf()];
  return {
    product: () => {
      const startMs = performance.now();
      let count = 0;
      for (const _ of eventsOf()) count++;
      if (count !== known.length) throw new Error(`${count} events came where ${known.length} came before`);
      return ratePerSecond(count, performance.now() - startMs);
    },
    peer: () => {
      const startMs = performance.now();
      let bytes = 0;
      for (const event of known) bytes += JSON.stringify(event).length;
      if (bytes === 0) throw new Error('nothing was written');
      return ratePerSecond(known.length, performance.now() - startMs);
    },
    input: `${known.length} events`,
  };
}

function eventsOf(): Iterable<ProtegoEvent> {
  return simulateHospital({ scenario: 'general', seed: SEED, days: DAYS, settings: SETTINGS }).events;
}
