import { ordinaryPlace, shortExchange, strangePlace, upload, type Carried } from '../connections';
import { REACHED } from '../reached-services';
import type { EndpointView } from '../event-drafts';
import type { DeviceClass, SimulatedDevice } from '../hospital/model';
import { flowPlanOf } from '../life/flow-plan';
import { amountOf, type Script, type Stage } from './activity';
import { Storyline, ofAddress, ofDevice, oneOf } from './storyline';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

/** Fewer contacts than this are no rhythm to anybody. */
const CONTACTS_MIN = 30;

interface Rhythm {
  /** Usual time between contacts. */
  readonly intervalMs: number;
  /** Share of it by which each is longer or shorter. */
  readonly jitter: number;
  readonly contacts: number;
}

/** Longest course of a rhythm at volume 1.5. */
const durationOf = ({ intervalMs, jitter, contacts }: Rhythm): number => intervalMs * (1 + jitter) * contacts * 1.5;

function beacon(
  story: Storyline,
  from: SimulatedDevice,
  to: EndpointView,
  { intervalMs, jitter, contacts }: Rhythm,
  carried: () => Carried,
): { readonly tellingAtMs: number } {
  const { random, pace } = story.stage;
  const count = amountOf(story.stage, contacts, CONTACTS_MIN);
  let tellingAtMs = story.nowMs;
  for (let index = 0; index < count; index++) {
    story.connect(from, to, REACHED.web, carried());
    if (index < 24) tellingAtMs = story.nowMs;
    story.waitExactly((intervalMs * (1 + jitter * (2 * random.fraction() - 1))) / pace);
  }
  return { tellingAtMs };
}

function beaconScript(name: string, source: string, classes: readonly DeviceClass[], rhythm: Rhythm): Script {
  return {
    attack: 'beaconing-implant',
    kind: 'attack',
    name,
    source,
    durationMsMax: durationOf(rhythm),
    play: (stage) => {
      const from = oneOf(stage, stage.random.pick(classes));
      if (from === undefined) return undefined;
      const to = strangePlace(stage.hospital, stage.random);
      const story = new Storyline(stage);
      const { tellingAtMs } = beacon(story, from, to, rhythm, () => shortExchange(stage.random));
      return story.course([ofDevice(from), ofAddress(to.ip)], tellingAtMs);
    },
  };
}

const fixedInterval = beaconScript(
  'beacon-fixed-interval',
  'a trojan in viewers of images, 2025: it asks every minute for orders',
  ['workstation', 'image-archive'],
  { intervalMs: MINUTE_MS, jitter: 0.03, contacts: 90 },
);

const jitteredInterval = beaconScript(
  'beacon-jittered',
  'tools of extortion crews since 2019: sleep times that vary by a third',
  ['workstation', 'file-server', 'interface-server'],
  { intervalMs: 4 * MINUTE_MS, jitter: 0.35, contacts: 60 },
);

const lowAndSlow = beaconScript(
  'beacon-low-and-slow',
  'groups that stay for months in makers and clinics: a sign of life, seldom',
  ['workstation', 'lab-analyser', 'imaging', 'patient-monitor'],
  { intervalMs: 25 * MINUTE_MS, jitter: 0.2, contacts: 40 },
);

/** Orders in the answers to questions for names: to an outside server, not that of the house. */
const nameQuestions: Script = {
  attack: 'beaconing-implant',
  kind: 'attack',
  name: 'beacon-name-questions',
  source: 'the supply chain of 2020: orders in the answers of a name server',
  durationMsMax: 150 * MINUTE_MS,
  play: (stage) => {
    const from = oneOf(stage, stage.random.pick(['workstation', 'imaging', 'interface-server'] as const));
    if (from === undefined) return undefined;
    const { random } = stage;
    const to = strangePlace(stage.hospital, random);
    const story = new Storyline(stage);
    let detectableAtMs = story.nowMs;
    story.repeat(amountOf(stage, 160, 80), 120 * MINUTE_MS, (index) => {
      const carried = {
        bytesOut: random.integer(160, 320),
        bytesIn: random.integer(160, 900),
        durationMs: random.integer(15, 300),
      };
      story.connect(from, to, REACHED.names, carried);
      if (index < 40) detectableAtMs = story.nowMs;
    });
    return story.course([ofDevice(from), ofAddress(to.ip)], detectableAtMs);
  },
};

/** A device, and the host of its maker that devices of its class ask in ordinary life. */
function lineToMaker({ hospital, random }: Stage, classes: readonly DeviceClass[]) {
  const lines = flowPlanOf(hospital).lines.filter(({ kind }) => kind.to === 'maker' && classes.includes(kind.from));
  const line = lines.length === 0 ? undefined : random.pick(lines);
  return { from: line && hospital.deviceOf(line.about.uid), to: line?.to[0] };
}

function pollingScript(name: string, source: string, classes: readonly DeviceClass[], intervalMs: number): Script {
  return {
    attack: 'beaconing-implant',
    kind: 'benign-twin',
    name,
    source,
    durationMsMax: intervalMs * 1.1 * 72,
    play: (stage) => {
      const { from, to } = lineToMaker(stage, classes);
      if (from === undefined || to === undefined) return undefined;
      const story = new Storyline(stage);
      beacon(story, from, to, { intervalMs, jitter: 0.05, contacts: 48 }, () => shortExchange(stage.random));
      return story.course([ofDevice(from)], null);
    },
  };
}

const updatePolling = pollingScript(
  'update-polling',
  'a program that asks its maker for updates',
  ['workstation', 'lab-analyser', 'imaging'],
  15 * MINUTE_MS,
);

const openLine = pollingScript(
  'kept-open-line',
  'a program that keeps a line to its maker open',
  ['workstation'],
  2 * MINUTE_MS,
);

const webMeeting: Script = {
  attack: 'beaconing-implant',
  kind: 'benign-twin',
  name: 'web-meeting',
  source: 'a meeting on the web: a connection every few seconds or minutes, for hours',
  durationMsMax: 6 * 60 * MINUTE_MS,
  beginHours: [7, 8, 9, 10, 11, 12, 13, 14],
  play: (stage: Stage) => {
    const from = oneOf(stage, 'workstation');
    if (from === undefined) return undefined;
    const { random } = stage;
    const to = ordinaryPlace(stage.hospital, random);
    const story = new Storyline(stage);
    for (let left = amountOf(stage, 70); left > 0; left--) {
      story.connect(from, to, REACHED.web, upload(2_000_000 * random.fraction(), random));
      // People speak in turns: many short gaps and a few long ones.
      story.waitExactly(Math.min(10, -1.9 * Math.log(1 - random.fraction())) * MINUTE_MS);
    }
    return story.course([ofDevice(from)], null);
  },
};

/** Implants that ask their operators for orders, and programs that ask their makers for news. */
export const BEACONING_IMPLANT_SCRIPTS: readonly Script[] = [
  fixedInterval,
  jitteredInterval,
  lowAndSlow,
  nameQuestions,
  updatePolling,
  openLine,
  webMeeting,
];
