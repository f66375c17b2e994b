import { ordinaryPlace, download, longSession, upload } from '../connections';
import { REACHED } from '../reached-services';
import { SERVICE_ACCOUNTS, documentFile, faultFindingDraft, hostFileDraft, studyFile, unreadable } from '../host-work';
import { amountOf, type Script } from './activity';
import { Storyline, ofDevice, ofPerson, oneOf, somebody, somebodyAtDesk } from './storyline';

const MINUTE_MS = 60_000;

const shadowCopiesCleared: Script = {
  attack: 'ransomware',
  kind: 'benign-twin',
  name: 'shadow-copies-cleared',
  source: 'a full volume: an administrator clears old restore points under a ticket',
  durationMsMax: 60 * MINUTE_MS,
  play: (stage) => {
    const server = oneOf(stage, 'file-server');
    const admin = somebody(stage, 'it-administrator');
    if (server === undefined || admin === undefined) return undefined;
    const story = new Storyline(stage);
    const ticket = story.announce(server, admin.user, 'volume full', 90);
    story.pass(5 * MINUTE_MS);
    story.run(server, 'vssadmin.exe list shadows', 'cmd.exe', admin.user);
    story.pass(5 * MINUTE_MS);
    story.run(server, 'vssadmin.exe delete shadows /all /quiet', 'cmd.exe', admin.user);
    story.repeat(amountOf(stage, 60), 30 * MINUTE_MS, () => {
      const file = documentFile(stage.random, stage.random.pick(stage.hospital.wards).name);
      story.add(hostFileDraft(story.nowMs, server.view, 'deleted', file, admin.user));
    });
    story.pass(10 * MINUTE_MS);
    story.conclude(server, admin.user, ticket);
    return story.course([ofDevice(server), ofPerson(admin.user)], null);
  },
};

const archiveCompression: Script = {
  attack: 'ransomware',
  kind: 'benign-twin',
  name: 'archive-compression',
  source: 'an archive that compresses the studies of past years, announced as a change',
  durationMsMax: 70 * MINUTE_MS,
  play: (stage) => {
    const archive = oneOf(stage, 'image-archive');
    const admin = somebody(stage, 'it-administrator');
    if (archive === undefined || admin === undefined) return undefined;
    const story = new Storyline(stage);
    const ticket = story.announce(archive, admin.user, 'compression of past studies', 120);
    story.pass(10 * MINUTE_MS);
    story.repeat(amountOf(stage, 200), 40 * MINUTE_MS, () => {
      const file = studyFile(stage.random);
      const user = SERVICE_ACCOUNTS.imaging;
      story.add(hostFileDraft(story.nowMs, archive.view, 'created', unreadable(file, stage.random), user));
      story.add(hostFileDraft(story.nowMs, archive.view, 'deleted', file, user));
    });
    story.pass(10 * MINUTE_MS);
    story.conclude(archive, admin.user, ticket);
    return story.course([ofDevice(archive), ofPerson(SERVICE_ACCOUNTS.imaging)], null);
  },
};

const mailMerge: Script = {
  attack: 'ransomware',
  kind: 'benign-twin',
  name: 'letters-rewritten',
  source: 'an office that writes its letters anew with another letterhead',
  durationMsMax: 60 * MINUTE_MS,
  beginHours: [6, 7, 8, 9, 10, 11, 12, 13],
  play: (stage) => {
    const server = oneOf(stage, 'file-server');
    const desk = somebodyAtDesk(stage);
    if (server === undefined || desk === undefined) return undefined;
    const { seat, person } = desk;
    const story = new Storyline(stage);
    story.run(
      seat,
      `excel.exe "\\\\file-server-01\\wards\\rota-${stage.random.integer(1000, 9999)}.xlsx"`,
      'explorer.exe',
      person.user,
    );
    story.pass(MINUTE_MS);
    story.run(
      seat,
      `cmd.exe /c copy "C:\\Users\\${person.user.uid}\\report-${stage.random.integer(1000, 9999)}.csv" \\\\file-server-01\\laboratory`,
      'excel.exe',
      person.user,
    );
    story.repeat(amountOf(stage, 40), 50 * MINUTE_MS, () => {
      const file = { ...documentFile(stage.random, seat.view.ward), entropy: 7.8 };
      story.add(hostFileDraft(story.nowMs, server.view, 'changed', file, person.user));
    });
    return story.course([ofDevice(server), ofPerson(person.user)], null);
  },
};

const remoteSupport: Script = {
  attack: 'ransomware',
  kind: 'benign-twin',
  name: 'remote-support',
  source: 'the help desk takes over a workstation and looks for a fault',
  durationMsMax: 60 * MINUTE_MS,
  beginHours: [6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  play: (stage) => {
    const desk = somebodyAtDesk(stage);
    const admin = somebody(stage, 'it-administrator');
    const server = oneOf(stage, 'file-server');
    if (desk === undefined || admin === undefined || server === undefined) return undefined;
    const { random } = stage;
    const { seat, person } = desk;
    const story = new Storyline(stage);
    story.run(seat, 'quickassist.exe', 'explorer.exe', person.user);
    story.connect(seat, ordinaryPlace(stage.hospital, random), REACHED.web, upload(12_000_000, random));
    story.repeat(amountOf(stage, 8), 30 * MINUTE_MS, () => {
      story.add(faultFindingDraft(story.nowMs, seat.view, admin.user, random));
    });
    story.connect(seat, server, REACHED.smb, download(2_000_000, random));
    story.pass(10 * MINUTE_MS);
    story.connect(seat, server, REACHED.remoteDesktop, longSession(8 * MINUTE_MS, random));
    return story.course([ofDevice(seat), ofPerson(admin.user)], null);
  },
};

/** What looks like ransomware and is work. */
export const RANSOMWARE_TWINS: readonly Script[] = [shadowCopiesCleared, archiveCompression, mailMerge, remoteSupport];
