import { join } from 'node:path';
import { loadRuleFiles } from '@protego/artefacts';
import { DETECTOR_RULES } from '@protego/streams';
import { parseAllDocuments } from 'yaml';

// The texts of alerts are read aloud to people who run a ward. What stands here can be checked by a machine; whether a text makes
// sense is for a reader of docs/explanation/a-day-of-alerts.md to judge.

interface RuleDocument {
  readonly name?: string;
  readonly title: string;
  readonly level?: string;
  readonly protego?: { readonly why?: string; readonly nextStep?: string; readonly harmlessExplanation?: string };
}

const documents = loadRuleFiles(join(__dirname, '..', 'streams', 'rules')).flatMap(({ path, text }) =>
  parseAllDocuments(text).map((document) => ({ path, rule: document.toJS() as RuleDocument })),
);
const raising = documents
  .filter(({ rule }) => rule.level !== undefined && rule.level !== 'informational')
  .map(({ path, rule }) => ({ name: `${path} ${rule.title}`, title: rule.title, words: rule.protego ?? {} }));
const wordsOf = ({ why = '', nextStep = '', harmlessExplanation = '' }: NonNullable<RuleDocument['protego']>): string =>
  // What a placeholder stands for is named by the text around it.
  [why, nextStep, harmlessExplanation].join(' ').replace(/\{[^}]*\}/g, '…');

/** Words of analysts, which say nothing on a ward. */
const JARGON =
  /\b(C2|command[- ]and[- ]control|exfiltrat\w+|lateral movement|payload|beacon\w*|endpoint|hash|MFA|2FA|OAuth|API|LSASS|PowerShell|SMB|RDP|SSH|VNC|TLS|DNS|ARP|SSID|BSSID|MAC address|user agent|subnet|IoC|TTP|threat actor|persistence|privilege escalation|enumerat\w+|spoof\w+|malicious|anomal\w+|entropy|threshold|telemetry|firmware|correlation|malware|ransomware|phishing|hosts?|bytes)\b/i;
/** The same in titles, which are read aloud first. */
const TITLE_JARGON =
  /\b(credentials?|stuffing|spray|brute force|break-glass|user agents?|auditing|hosts?|log agents?|malware|ransomware|removable|firmware|zone)\b/i;
/** A dotted field, or a name with underscores. */
const FIELD_NAME = /\b[a-z]+_[a-z_]+\b|\b(src|dst|actor|device|user|patient)\.[a-z]/;
/** Steps that could cut a patient off, unless the text speaks of the patient before. */
const CUTS_OFF =
  /\b(off the network|out of service|out of use|disconnect\w*|unplug\w*|switch(ed|ing)? (it |them |\S+ )?off|turn(ed|ing)? (it |\S+ )?off|unplug|power(ed)? (it )?down|shut (it |\S+ )?down)\b/i;
const MINDS_PATIENT =
  /do not (switch|turn|unplug|shut)|never (switch|turn|unplug|shut)|unless a patient|with a replacement at the bed|no patient|not with a patient|patient depends/i;

describe('words of the rules', () => {
  it.each(raising)('$name says what happened, what to do and what else it could be', ({ words }) => {
    for (const text of [words.why, words.nextStep, words.harmlessExplanation])
      expect((text ?? '').length).toBeGreaterThan(40);
  });

  it.each(raising)('$name uses words of a ward', ({ words }) => {
    expect(wordsOf(words)).not.toMatch(JARGON);
    expect(wordsOf(words)).not.toMatch(FIELD_NAME);
  });

  it.each(raising)('$name has a title that can be read aloud', ({ title }) => {
    expect(title).not.toMatch(TITLE_JARGON);
  });

  it.each(raising)('$name cuts no patient off a device', ({ words: { nextStep = '' } }) => {
    if (CUTS_OFF.test(nextStep)) expect(nextStep).toMatch(MINDS_PATIENT);
  });

  it.each(raising)('$name can be said in a minute', ({ words }) => {
    // Some 150 words are spoken in a minute.
    expect(wordsOf(words).split(/\s+/).length).toBeLessThanOrEqual(150);
  });
});

describe('words of the detectors', () => {
  const detectors = DETECTOR_RULES.map(({ id, title, wording }) => ({ id, title, words: wording ?? {} }));

  it.each(detectors)('$id says what happened, what to do and what else it could be in words of a ward', (detector) => {
    const { title, words } = detector;
    for (const text of [words.why, words.nextStep, words.harmlessExplanation])
      expect((text ?? '').length).toBeGreaterThan(40);
    expect(wordsOf(words)).not.toMatch(JARGON);
    expect(title).not.toMatch(TITLE_JARGON);
    expect(wordsOf(words).split(/\s+/).length).toBeLessThanOrEqual(150);
  });

  it.each(detectors)('$id cuts no patient off a device', ({ words: { nextStep = '' } }) => {
    if (CUTS_OFF.test(nextStep)) expect(nextStep).toMatch(MINDS_PATIENT);
  });
});
