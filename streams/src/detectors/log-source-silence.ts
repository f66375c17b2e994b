import { orderedOperator } from '../operators/event-time-operator';
import { KeyedStore } from '../operators/keyed-store';
import type { DetectionResult } from '../result';
import type { EventRef } from '../sigma/correlation-window';
import {
  detectionBy,
  detectorRule,
  refOf,
  runOver,
  type Detector,
  type DetectorRun,
  type Known,
  type Observation,
} from './detector';
import type { AccessFact, FlowFact } from './facts';
import { aboutWords } from './span-words';
import type { AgentFact } from './upkeep-facts';

const PARAMETERS = {
  /** Intervals between words of an agent by which its usual one is known, and how many it takes. */
  intervalCount: 9,
  intervalsMin: 4,
  /** An agent that is silent for so many of its usual intervals is late by more than one lost word; … */
  lateIntervals: 2.5,
  /** … and never within less. */
  lateMsMin: 20 * 60_000,
  /** Signs of life of the machine since then, and the time that they span. */
  signsMin: 3,
  signsMsMin: 10 * 60_000,
  signsKept: 20,
  agentsMax: 50_000,
};

/** An agent, and what its machine did since it is late. */
interface Agent {
  lastMs: number;
  lastRef: EventRef;
  readonly intervalsMs: number[];
  readonly signs: { readonly timeMs: number; readonly ref: EventRef }[];
  signCount: number;
  isRaised: boolean;
}

type Sign = FlowFact | AccessFact | AgentFact;

/**
 * The agent that ships a machine's logs spoke regularly and is silent, while the machine opens connections or people work at it, and
 * nobody announced work on it: what watches the machine was switched off. A machine that is off shows no sign of life.
 */
export const LOG_SOURCE_SILENCE: Detector<'agent' | 'flow' | 'access'> = {
  rule: detectorRule({
    id: 'log-source-silence',
    version: 1,
    parameters: PARAMETERS,
    title: 'A machine goes on, but its logbook is silent',
    level: 'high',
    attack: ['defense-evasion', 'T1562.001', 'T1562.002', 'T1489'],
    wording: {
      confidence: 'medium',
      why: 'The program on {device} that writes down what happens there spoke about every {interval} and has been silent for {silence}, but the machine was at work {count} times since. If records of patients are opened on it, nobody will know by whom.',
      nextStep:
        'Call the IT security desk today and ask them to look at {device} itself, not only at that program. Do not switch it off.',
      harmlessExplanation:
        'The program may have crashed, or be under repair without a ticket. The IT service desk can tell.',
      entities: [{ kind: 'device', field: 'device' }],
    },
  }),
  kinds: ['agent', 'flow', 'access'],
  isWanted: (fact) => fact.kind !== 'access' || fact.device !== null,
  begin,
};

type Agents = KeyedStore<Agent>;

function newAgents(): Agents {
  return new KeyedStore<Agent>(PARAMETERS.agentsMax, {
    toJson: ({ lastMs, lastRef, intervalsMs, signs, signCount, isRaised }) => [
      lastMs,
      lastRef,
      [...intervalsMs],
      signs.map(({ timeMs, ref }) => [timeMs, ref]),
      signCount,
      isRaised,
    ],
    fromJson: (json) => {
      const [lastMs, lastRef, intervalsMs, signs, signCount, isRaised] = json as unknown as [
        number,
        EventRef,
        number[],
        [number, EventRef][],
        number,
        boolean,
      ];
      const kept = signs.map(([timeMs, ref]) => ({ timeMs, ref }));
      return { lastMs, lastRef, intervalsMs: [...intervalsMs], signs: kept, signCount, isRaised };
    },
  });
}

function begin({ work }: Known): DetectorRun<Sign> {
  const agents = newAgents();
  return runOver(agents, {
    counters: () => ({ logSourceSilenceAgents: agents.size, logSourceSilenceAgentsEvicted: agents.evictedCount }),
    detections: orderedOperator<Observation<Sign>, DetectionResult>((out) => ({
      event: (observation, timeMs) => {
        const { fact } = observation;
        if (fact.kind === 'agent') {
          hear(agents, fact.device, observation, timeMs);
          return;
        }
        const device = fact.kind === 'flow' ? fact.from : fact.device?.uid;
        const agent = device === undefined ? undefined : agents.touchKnown(device);
        if (device === undefined || agent === undefined || work.isOn(device, timeMs)) return;
        const usualMs = missedIntervalMs(agent, observation, timeMs);
        if (usualMs !== undefined) out.next(detectionOf(device, agent, usualMs, timeMs));
      },
      advance: () => undefined,
    })),
  });
}

/** The agent of a device spoke: whatever was missing is there again. */
function hear(agents: Agents, device: string, observation: Observation<Sign>, timeMs: number): void {
  const ref = refOf(observation);
  const isNew = agents.touchKnown(device) === undefined;
  const create = (): Agent => ({
    lastMs: timeMs,
    lastRef: ref,
    intervalsMs: [],
    signs: [],
    signCount: 0,
    isRaised: false,
  });
  const agent = agents.touch(device, create);
  if (isNew) return;
  agent.intervalsMs.push(timeMs - agent.lastMs);
  if (agent.intervalsMs.length > PARAMETERS.intervalCount) agent.intervalsMs.shift();
  agent.lastMs = timeMs;
  agent.lastRef = ref;
  agent.signs.length = 0;
  agent.signCount = 0;
  agent.isRaised = false;
}

/** Takes note of a sign of life. The usual interval of the agent, where it is missed by now and that was not told yet. */
function missedIntervalMs(agent: Agent, observation: Observation<Sign>, timeMs: number): number | undefined {
  const { intervalsMin, lateIntervals, lateMsMin, signsMin, signsMsMin, signsKept } = PARAMETERS;
  const silentMs = timeMs - agent.lastMs;
  // Asked first: of most signs of life the agent has just been heard, and nothing is to be put in order.
  if (agent.isRaised || silentMs < lateMsMin || agent.intervalsMs.length < intervalsMin) return undefined;
  const sorted = agent.intervalsMs.toSorted((a, b) => a - b);
  const usualMs = sorted[sorted.length >> 1] as number;
  if (silentMs < lateIntervals * usualMs) return undefined;
  agent.signCount++;
  if (agent.signs.length < signsKept) agent.signs.push({ timeMs, ref: refOf(observation) });
  const sinceMs = timeMs - (agent.signs[0]?.timeMs ?? timeMs);
  if (agent.signCount < signsMin || sinceMs < signsMsMin) return undefined;
  agent.isRaised = true;
  return usualMs;
}

function detectionOf(device: string, agent: Agent, usualMs: number, timeMs: number): DetectionResult {
  const values = {
    device,
    interval: aboutWords(usualMs),
    silence: aboutWords(timeMs - agent.lastMs),
    count: String(agent.signCount),
  };
  return detectionBy(LOG_SOURCE_SILENCE.rule, {
    group: [device],
    startMs: agent.lastMs,
    endMs: timeMs + 1,
    certainAtMs: timeMs,
    refs: [agent.lastRef, ...agent.signs.map(({ ref }) => ref)],
    values,
  });
}
