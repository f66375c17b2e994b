import { upload } from '../connections';
import { REACHED } from '../reached-services';
import { patientView } from '../event-drafts';
import { UNNAMED_SHARE, imageDraft, type Preamble } from '../image-studies';
import type { SimulatedDevice } from '../hospital/model';
import { SERVICE_ACCOUNTS, studyName } from '../host-work';
import { amountOf, type Script, type Stage } from './activity';
import { attachMedium } from './legacy-lateral-movement';
import { Storyline, ofDevice, ofPerson, oneOf, somebodyAtDesk } from './storyline';

const MINUTE_MS = 60_000;

interface Cast {
  readonly archive: SimulatedDevice;
  readonly sender: SimulatedDevice;
  readonly desk: NonNullable<ReturnType<typeof somebodyAtDesk>>;
}

function castOf(stage: Stage): Cast | undefined {
  const archive = oneOf(stage, 'image-archive');
  const sender = oneOf(stage, 'imaging');
  const desk = somebodyAtDesk(stage);
  return archive === undefined || sender === undefined || desk === undefined ? undefined : { archive, sender, desk };
}

/** Studies with a preamble come to the archive over a while. */
function store(story: Storyline, { archive, sender }: Cast, preamble: Preamble, count: number, usualMs: number): void {
  const { hospital, random, startMs } = story.stage;
  const patients = hospital.inpatients(startMs);
  story.repeat(count, usualMs, () => {
    story.connect(sender, archive, REACHED.images, upload(30_000_000, random));
    const stay = patients.length === 0 || random.chance(UNNAMED_SHARE) ? undefined : random.pick(patients);
    const patient = stay === undefined ? undefined : patientView(stay.patient, stay.ward);
    story.add(imageDraft(story.nowMs, archive, sender, preamble, patient, random));
  });
}

const executablePreamble: Script = {
  attack: 'dicom-polyglot',
  kind: 'attack',
  name: 'dicom-executable-preamble',
  source: 'research of 2019 and 2025: a study that is a program as well, and starts where it lies',
  durationMsMax: 120 * MINUTE_MS,
  play: (stage) => {
    const cast = castOf(stage);
    if (cast === undefined) return undefined;
    const { archive, sender } = cast;
    const story = new Storyline(stage);
    store(story, cast, 'executable', amountOf(stage, 3), 30 * MINUTE_MS);
    const detectableAtMs = story.firstMs;
    story.pass(80 * MINUTE_MS);
    story.run(
      archive,
      `cmd.exe /c E:\\archive\\2026\\${studyName(stage.random)}.dcm`,
      'services.exe',
      SERVICE_ACCOUNTS.imaging,
    );
    return story.course([ofDevice(archive), ofDevice(sender)], detectableAtMs);
  },
};

const archivePreamble: Script = {
  attack: 'dicom-polyglot',
  kind: 'attack',
  name: 'dicom-archive-preamble',
  source: 'viewers with malware, 2025: a study that unpacks itself, and a viewer that starts what comes out',
  durationMsMax: 100 * MINUTE_MS,
  play: (stage) => {
    const cast = castOf(stage);
    if (cast === undefined) return undefined;
    const { archive, sender, desk } = cast;
    const { random } = stage;
    const story = new Storyline(stage);
    store(story, cast, 'archive', amountOf(stage, 2), 20 * MINUTE_MS);
    const detectableAtMs = story.firstMs;
    story.pass(60 * MINUTE_MS);
    story.run(desk.seat, `viewer.exe "D:\\cache\\${studyName(random)}.dcm"`, 'explorer.exe', desk.person.user);
    story.pass(MINUTE_MS);
    story.run(
      desk.seat,
      `rundll32.exe D:\\cache\\${random.integer(1000, 9999)}.tmp,Start`,
      'viewer.exe',
      desk.person.user,
    );
    story.pass(4 * MINUTE_MS);
    story.run(
      desk.seat,
      'powershell.exe -NoProfile -WindowStyle Hidden -EncodedCommand SQBFAFgAIAAoA',
      'viewer.exe',
      desk.person.user,
    );
    return story.course([ofDevice(archive), ofDevice(sender), ofDevice(desk.seat)], detectableAtMs);
  },
};

/** A preamble of text is allowed, and some makers write one; this one is a script. */
const scriptPreamble: Script = {
  attack: 'dicom-polyglot',
  kind: 'attack',
  name: 'dicom-script-preamble',
  source: 'research of 2019: what is text to one program is a script to another',
  durationMsMax: 60 * MINUTE_MS,
  play: (stage) => {
    const cast = castOf(stage);
    if (cast === undefined) return undefined;
    const { archive, desk } = cast;
    const { random } = stage;
    const story = new Storyline(stage);
    store(story, cast, 'text', amountOf(stage, 2), 20 * MINUTE_MS);
    story.pass(20 * MINUTE_MS);
    story.run(desk.seat, `cmd.exe /c D:\\cache\\${studyName(random)}.dcm`, 'viewer.exe', desk.person.user);
    const detectableAtMs = story.nowMs;
    story.pass(10 * MINUTE_MS);
    story.run(
      desk.seat,
      'powershell.exe -NoProfile -WindowStyle Hidden -EncodedCommand SQBFAFgAIAAoA',
      'cmd.exe',
      desk.person.user,
    );
    return story.course([ofDevice(archive), ofDevice(desk.seat)], detectableAtMs);
  },
};

const dualSlides: Script = {
  attack: 'dicom-polyglot',
  kind: 'benign-twin',
  name: 'dual-personality-slides',
  source: 'slides of pathology that are DICOM and TIFF in one',
  durationMsMax: 90 * MINUTE_MS,
  play: (stage) => {
    const cast = castOf(stage);
    if (cast === undefined) return undefined;
    const { seat, person } = cast.desk;
    const story = new Storyline(stage);
    store(story, cast, 'tiff', amountOf(stage, 12), 70 * MINUTE_MS);
    story.run(seat, `viewer.exe "D:\\cache\\${studyName(stage.random)}.dcm"`, 'explorer.exe', person.user);
    story.pass(5 * MINUTE_MS);
    story.run(
      seat,
      `rundll32.exe shell32.dll,OpenAs_RunDLL D:\\cache\\${stage.random.integer(1000, 9999)}.pdf`,
      'viewer.exe',
      person.user,
    );
    return story.course([ofDevice(cast.archive), ofDevice(cast.sender)], null);
  },
};

const studiesFromElsewhere: Script = {
  attack: 'dicom-polyglot',
  kind: 'benign-twin',
  name: 'studies-from-elsewhere',
  source: 'studies of another clinic on a medium, whose maker signs its preambles with text',
  durationMsMax: 60 * MINUTE_MS,
  beginHours: [6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
  play: (stage) => {
    const cast = castOf(stage);
    if (cast === undefined) return undefined;
    const { seat, person } = cast.desk;
    const story = new Storyline(stage);
    attachMedium(story, seat, false);
    story.pass(5 * MINUTE_MS);
    store(story, cast, stage.random.pick(['text', 'other'] as const), amountOf(stage, 6), 30 * MINUTE_MS);
    story.run(seat, `viewer.exe "D:\\cache\\${studyName(stage.random)}.dcm"`, 'explorer.exe', person.user);
    story.pass(5 * MINUTE_MS);
    story.run(seat, `cmd.exe /c del D:\\cache\\${stage.random.integer(1000, 9999)}.tmp`, 'viewer.exe', person.user);
    return story.course([ofDevice(cast.archive), ofPerson(person.user)], null);
  },
};

/** Studies that are something else as well, and what may be so. */
export const DICOM_POLYGLOT_SCRIPTS: readonly Script[] = [
  executablePreamble,
  archivePreamble,
  scriptPreamble,
  dualSlides,
  studiesFromElsewhere,
];
