import { orderedOperator } from '../operators/event-time-operator';
import type { DetectionResult } from '../result';
import { ConsentRegister, type Breach } from './consent-register';
import {
  detectionBy,
  detectorRule,
  refOf,
  runOver,
  type Detector,
  type DetectorRun,
  type Observation,
} from './detector';
import type { AgreementFact, ConsentFact, ReleaseFact } from './exchange-facts';
import { aboutWords } from './span-words';
import { spokenName } from './spoken-name';

const PARAMETERS = {
  /** A release that was under way when the consent was taken back is finished within this time. */
  graceMs: 10 * 60_000,
  /** From so many patients a consent for a purpose must have been taken before anybody is told that one is missing. */
  consentsMin: 5,
  /** What the law asks for, or a life hangs on: nobody has to agree, and no agreement names it. */
  dutyPurposes: ['public-health-reporting', 'registry-reporting', 'emergency-transfer', 'court-order'],
  /** The same breach by the same person towards the same partner is told of once within this time. */
  quietMs: 3_600_000,
  pairsMax: 500_000,
  partnersMax: 10_000,
  purposesMax: 1_000,
  toldMax: 10_000,
};

/**
 * Data of a patient that goes to a partner although consent or agreement does not allow it. What is in force is folded from
 * consents given and withdrawn, for each patient, partner and purpose, and from the agreements of the directory.
 */
export const CONSENT_BYPASS: Detector<'release' | 'consent' | 'agreement'> = {
  rule: detectorRule({
    id: 'consent-bypass',
    version: 1,
    parameters: PARAMETERS,
    title: 'Data of a patient released without the right to it',
    level: 'high',
    attack: ['exfiltration', 'T1567', 'collection', 'T1213'],
    wording: {
      confidence: 'high',
      why: 'Data of the patient {patient} was released to the partner {partner} for {purpose}, although {breach}. {by}',
      nextStep:
        'Ask the partner {partner} today not to use what it got and to delete it, and tell the data protection officer which patient it is about.',
      harmlessExplanation:
        'A consent on paper that nobody has entered yet, or a new agreement that is not in the directory. The data protection officer can look for either.',
      entities: [
        { kind: 'patient', field: 'patient' },
        { kind: 'partner', field: 'partner' },
      ],
    },
  }),
  kinds: ['release', 'consent', 'agreement'],
  begin,
};

type Taken = ReleaseFact | ConsentFact | AgreementFact;

function begin(): DetectorRun<Taken> {
  const register = new ConsentRegister(PARAMETERS);
  return runOver(register, {
    counters: () => register.counters(),
    detections: orderedOperator<Observation<Taken>, DetectionResult>((out) => ({
      event: (observation, timeMs) => {
        const { fact } = observation;
        if (fact.kind === 'consent') register.takeConsent(fact, timeMs);
        else if (fact.kind === 'agreement') register.takeAgreement(fact, timeMs);
        else {
          const breach = register.breachOf(fact, timeMs);
          if (breach !== undefined && register.isNews(fact, breach.is, timeMs))
            out.next(detectionOf(observation, fact, breach));
        }
      },
      advance: () => undefined,
    })),
  });
}

function detectionOf(observation: Observation, release: ReleaseFact, breach: Breach): DetectionResult {
  const { timeMs } = observation;
  const { partner, patient, purpose, actor } = release;
  const values = {
    partner,
    patient,
    purpose: purpose === null ? 'no purpose that anybody named' : spokenName(purpose),
    breach: wordsOf(breach, timeMs),
    by: actor === null ? 'Nobody is named as the one who released it.' : `It was released by ${actor}.`,
  };
  return detectionBy(CONSENT_BYPASS.rule, {
    group: [partner, patient, purpose, breach.is],
    startMs: timeMs,
    endMs: timeMs + 1,
    certainAtMs: timeMs,
    refs: [refOf(observation)],
    values,
  });
}

function wordsOf(breach: Breach, timeMs: number): string {
  switch (breach.is) {
    case 'agreement-ended':
      return `the agreement with the partner had ended ${aboutWords(timeMs - breach.sinceMs)} before`;
    case 'purpose-not-agreed':
      return 'no agreement with the partner is for that';
    case 'consent-withdrawn':
      return `the patient had taken the consent back ${aboutWords(timeMs - breach.sinceMs)} before`;
    case 'other-purpose':
      return `the patient agreed to ${breach.purposes.map(spokenName).join(', ')} only`;
    case 'no-consent':
      return 'no consent of the patient is on file, and for that purpose patients are asked for one';
  }
}
