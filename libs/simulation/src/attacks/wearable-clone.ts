import { HOUR_MS } from '../durations';
import { LOW_BYTES } from '../hospital/devices';
import type { SimulatedDevice } from '../hospital/model';
import { firstBeat } from '../life/beat';
import { reporterOf, reportDraft, type Reporter } from '../life/telemetry-life';
import { pairingDraft } from '../life/wearable-life';
import { amountOf, inTime, pacedMs, stepTimes, type Script, type Stage } from './activity';

const MINUTE_MS = 60_000;

/** A wearable that reports, and where a gateway of another place hears it. */
interface Worn {
  readonly wearable: SimulatedDevice;
  readonly reporter: Reporter;
  /** Address that the other gateway gives. */
  readonly otherIp: string;
}

function worn({ hospital, random }: Stage): Worn | undefined {
  const wearables = hospital.devicesOf('wearable');
  const wearable = wearables.length === 0 ? undefined : random.pick(wearables);
  const reporter = wearable === undefined ? undefined : reporterOf(hospital, wearable);
  const others = wearables.filter(({ view }) => view.ward !== wearable?.view.ward);
  const other = others.length > 0 ? random.pick(others) : wearables.find((each) => each !== wearable);
  if (wearable === undefined || reporter === undefined || other === undefined) return undefined;
  const taken = new Set(hospital.devices.filter(({ zone }) => zone === wearable.zone).map(({ view }) => view.ip));
  let otherIp = other.view.ip;
  // Of a full network an address that is in use is taken.
  for (let attempt = 0; attempt < 50 && taken.has(otherIp); attempt++)
    otherIp = other.view.ip.replace(/\d+$/, String(random.integer(...LOW_BYTES)));
  return { wearable, reporter, otherIp };
}

/** A copy of a wearable's identity reports readings of its own through another gateway, while the wearable goes on. */
const CLONED: Script = {
  attack: 'monitor-network-spoofing',
  kind: 'attack',
  name: 'wearable-identity-cloned',
  source:
    'Spoofing of wearables that reconnect without proof (BLESA, 2020) and glucose readings that could be injected',
  durationMsMax: 10 * HOUR_MS,
  play: (stage) => {
    const { random, startMs } = stage;
    const found = worn(stage);
    if (found === undefined) return undefined;
    const { wearable, reporter, otherIp } = found;
    const copy: Reporter = { ...reporter, device: { ...wearable, view: { ...wearable.view, ip: otherIp } } };
    const n = firstBeat(reporter.beat, startMs);
    const count = amountOf(stage, 90, 60);
    const drafts = stepTimes(random, startMs, pacedMs(stage, 9.7 * HOUR_MS), count).map((timeMs, index) =>
      reportDraft(copy, n + index, { timeMs, status: 'ok', readings: madeUp(random) }),
    );
    const [first] = drafts;
    return {
      drafts: inTime(drafts),
      entities: [{ kind: 'device', id: wearable.view.uid }],
      detectableAtMs: first?.timeMs ?? startMs,
    };
  },
};

/** A patient goes to another ward with the wearable: it pairs anew, and is heard through another gateway from then on. */
const MOVED: Script = {
  attack: 'monitor-network-spoofing',
  kind: 'benign-twin',
  name: 'wearable-moved-with-its-patient',
  source: 'A transfer to another ward',
  durationMsMax: 4 * HOUR_MS,
  play: (stage) => {
    const { random, startMs } = stage;
    const found = worn(stage);
    if (found === undefined) return undefined;
    const { wearable, reporter, otherIp } = found;
    const there: Reporter = { ...reporter, device: { ...wearable, view: { ...wearable.view, ip: otherIp } } };
    const n = firstBeat(reporter.beat, startMs);
    const pairedMs = startMs + random.integer(15 * MINUTE_MS, 25 * MINUTE_MS);
    const reports = stepTimes(random, pairedMs + MINUTE_MS, 3 * HOUR_MS, amountOf(stage, 4, 2)).map((timeMs, index) =>
      reportDraft(there, n + index, { timeMs }),
    );
    const drafts = [pairingDraft(startMs, wearable, false), pairingDraft(pairedMs, there.device, true), ...reports];
    const lastMs = (reports.at(-1) as { timeMs: number }).timeMs;
    return {
      drafts: inTime(drafts),
      entities: [{ kind: 'device', id: wearable.view.uid }],
      detectableAtMs: null,
      // It is heard in one place only.
      suppressions: [
        {
          deviceUid: wearable.view.uid,
          types: ['device.telemetry-reported'],
          fromMs: startMs,
          toMs: lastMs + 15 * MINUTE_MS,
        },
      ],
    };
  },
};

/** Readings that somebody made up: as healthy or as ill as any. */
function madeUp(random: Stage['random']): {
  readonly heart_rate: number;
  readonly glucose: number;
  readonly steps: number;
} {
  return {
    heart_rate: random.integer(58, 110),
    glucose: random.integer(35, 150) / 10,
    steps: random.integer(0, 9_000),
  };
}

/** Wearables whose identity is used twice, and one that only moved. */
export const WEARABLE_SCRIPTS: readonly Script[] = [CLONED, MOVED];
