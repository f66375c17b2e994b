import { download, ordinaryPlace, shortExchange } from '../connections';
import { REACHED } from '../reached-services';
import type { SimulatedDevice } from '../hospital/model';
import { LOG_AGENT, agentDraft } from '../host-work';
import { AGENT_VERSION, agentIntervalMs } from '../host-agents';
import { amountOf, type Script, type Stage, type Suppression } from './activity';
import { Storyline, ofDevice, ofPerson, oneOf, somebody } from './storyline';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const REPORTS = ['device.agent-reported'] as const;

function serverOf(stage: Stage): SimulatedDevice | undefined {
  const type = stage.random.pick([
    'file-server',
    'domain-controller',
    'image-archive',
    'interface-server',
    'ehr-server',
  ] as const);
  return oneOf(stage, type);
}

const silent = (device: SimulatedDevice, fromMs: number, toMs: number): Suppression => ({
  deviceUid: device.view.uid,
  types: REPORTS,
  fromMs,
  toMs,
});

/** The machine goes on: it reaches others all the while. */
function goesOn(story: Storyline, from: SimulatedDevice, usualMs: number, times: number): void {
  const { hospital, random } = story.stage;
  const peers = [...hospital.devicesOf('file-server'), ...hospital.devicesOf('ehr-server')].filter(
    ({ view }) => view !== from.view,
  );
  story.repeat(amountOf(story.stage, times, 12), usualMs, (index) => {
    if (index % 4 === 3 || peers.length === 0)
      story.connect(from, ordinaryPlace(hospital, random), REACHED.web, shortExchange(random));
    else story.connect(from, random.pick(peers), REACHED.smb, download(3_000_000, random));
  });
}

const agentStopped: Script = {
  attack: 'log-source-silencing',
  kind: 'attack',
  name: 'agent-stopped',
  source: 'extortion crews since 2019: what watches a server is stopped before the rest begins',
  durationMsMax: 10 * HOUR_MS + 15 * MINUTE_MS,
  play: (stage) => {
    const server = serverOf(stage);
    const admin = somebody(stage, 'it-administrator');
    if (server === undefined || admin === undefined) return undefined;
    const story = new Storyline(stage);
    story.pass(10 * MINUTE_MS);
    const line = stage.random.pick([
      `sc.exe stop ${LOG_AGENT}`,
      `net.exe stop ${LOG_AGENT} /y`,
      `powershell.exe -NoProfile -Command Stop-Service ${LOG_AGENT} -Force`,
    ]);
    story.run(server, line, 'cmd.exe', admin.user);
    const fromMs = story.nowMs;
    goesOn(story, server, 10 * HOUR_MS, 36);
    return story.course([ofDevice(server), ofPerson(admin.user)], fromMs, [silent(server, fromMs, story.nowMs)]);
  },
};

const agentKilled: Script = {
  attack: 'log-source-silencing',
  kind: 'attack',
  name: 'agent-killed-from-below',
  source: 'signed drivers with holes, 2022 to 2024: the agent dies and nothing says who did it',
  durationMsMax: 10 * HOUR_MS,
  play: (stage) => {
    const host = stage.random.chance(0.5) ? serverOf(stage) : oneOf(stage, 'workstation');
    if (host === undefined) return undefined;
    const story = new Storyline(stage);
    goesOn(story, host, 10 * HOUR_MS, 36);
    // From when on the agent is late by more than it ever is.
    const detectableAtMs = Math.min(story.nowMs, stage.startMs + 3 * agentIntervalMs(host));
    return story.course([ofDevice(host)], detectableAtMs, [silent(host, stage.startMs, story.nowMs)]);
  },
};

const logsCleared: Script = {
  attack: 'log-source-silencing',
  kind: 'attack',
  name: 'logs-cleared',
  source: 'the last step of most break-ins that were ever reported: logs are emptied, and told to keep less',
  durationMsMax: HOUR_MS,
  play: (stage) => {
    const server = serverOf(stage);
    const admin = somebody(stage, 'it-administrator');
    if (server === undefined || admin === undefined) return undefined;
    const story = new Storyline(stage);
    story.pass(10 * MINUTE_MS);
    story.run(server, 'auditpol.exe /set /category:* /success:disable /failure:disable', 'cmd.exe', admin.user);
    const detectableAtMs = story.nowMs;
    const logs = stage.random.sample(['Security', 'System', 'Application', 'Setup'], amountOf(stage, 3, 2));
    for (const log of logs) {
      story.pass(8 * MINUTE_MS);
      story.run(server, `wevtutil.exe cl ${log}`, 'cmd.exe', admin.user);
    }
    return story.course([ofDevice(server), ofPerson(admin.user)], detectableAtMs);
  },
};

/** The agent lives and has nothing to say, because its input was cut. */
const agentMuted: Script = {
  attack: 'log-source-silencing',
  kind: 'attack',
  name: 'agent-muted',
  source: 'research of 2021 to 2024: the agent runs, what it should ship never reaches it',
  durationMsMax: 10 * HOUR_MS,
  play: (stage) => {
    const host = serverOf(stage);
    if (host === undefined) return undefined;
    const { pace } = stage;
    const story = new Storyline(stage);
    const endMs = stage.startMs + Math.floor((9.5 * HOUR_MS) / pace);
    let detectableAtMs = stage.startMs;
    for (let count = 1; story.nowMs + agentIntervalMs(host) < endMs; count++) {
      story.waitExactly(agentIntervalMs(host) - stage.random.integer(0, 20_000));
      story.add(agentDraft(story.nowMs, host.view, 0, AGENT_VERSION));
      if (count <= 3) detectableAtMs = story.nowMs;
    }
    return story.course([ofDevice(host)], detectableAtMs, [silent(host, stage.startMs, story.nowMs)]);
  },
};

const agentUpgrade: Script = {
  attack: 'log-source-silencing',
  kind: 'benign-twin',
  name: 'agent-upgrade',
  source: 'a new release of the agent, under a ticket',
  durationMsMax: 4 * HOUR_MS,
  play: (stage) => {
    const server = serverOf(stage);
    const admin = somebody(stage, 'it-administrator');
    if (server === undefined || admin === undefined) return undefined;
    const story = new Storyline(stage);
    const ticket = story.announce(server, admin.user, 'new release of the log agent', 240);
    story.pass(10 * MINUTE_MS);
    story.run(server, `sc.exe stop ${LOG_AGENT}`, 'cmd.exe', admin.user);
    const fromMs = story.nowMs;
    goesOn(story, server, 200 * MINUTE_MS, 14);
    const toMs = story.nowMs;
    story.run(server, `sc.exe start ${LOG_AGENT}`, 'cmd.exe', admin.user);
    story.pass(MINUTE_MS);
    story.add(agentDraft(story.nowMs, server.view, stage.random.integer(200, 900), AGENT_VERSION));
    story.pass(10 * MINUTE_MS);
    story.conclude(server, admin.user, ticket);
    return story.course([ofDevice(server), ofPerson(admin.user)], null, [silent(server, fromMs, toMs)]);
  },
};

const switchedOff: Script = {
  attack: 'log-source-silencing',
  kind: 'benign-twin',
  name: 'workstation-switched-off',
  source: 'an office that is closed: machines are off, and so are their agents',
  durationMsMax: 10 * HOUR_MS,
  play: (stage) => {
    const seat = oneOf(stage, 'workstation');
    if (seat === undefined) return undefined;
    const { random } = stage;
    const story = new Storyline(stage);
    story.connect(seat, ordinaryPlace(stage.hospital, random), REACHED.web, shortExchange(random));
    story.pass(MINUTE_MS);
    story.run(
      seat,
      'shutdown.exe /s /t 0',
      'explorer.exe',
      random.chance(0.5) ? undefined : somebody(stage, 'nurse')?.user,
    );
    const fromMs = story.nowMs + 1;
    story.pass(amountOf(stage, 6) * HOUR_MS);
    const toMs = story.nowMs;
    story.add(agentDraft(story.nowMs, seat.view, random.integer(200, 900), AGENT_VERSION, 'started'));
    return story.course([ofDevice(seat)], null, [{ deviceUid: seat.view.uid, fromMs, toMs }]);
  },
};

const logsArchived: Script = {
  attack: 'log-source-silencing',
  kind: 'benign-twin',
  name: 'logs-archived',
  source: 'full logs are written to the archive and emptied, under a ticket',
  durationMsMax: HOUR_MS,
  play: (stage) => {
    const server = serverOf(stage);
    const admin = somebody(stage, 'it-administrator');
    if (server === undefined || admin === undefined) return undefined;
    const story = new Storyline(stage);
    const ticket = story.announce(server, admin.user, 'logs to the archive', 60);
    const logs = stage.random.sample(['Security', 'System', 'Application', 'Setup'], amountOf(stage, 2));
    for (const log of logs) {
      story.pass(5 * MINUTE_MS);
      story.run(
        server,
        `wevtutil.exe epl ${log} F:\\logs\\${log}-${stage.random.integer(1000, 9999)}.evtx`,
        'cmd.exe',
        admin.user,
      );
      story.pass(2 * MINUTE_MS);
      story.run(server, `wevtutil.exe cl ${log}`, 'cmd.exe', admin.user);
    }
    story.pass(5 * MINUTE_MS);
    story.run(server, 'auditpol.exe /get /category:*', 'cmd.exe', admin.user);
    story.conclude(server, admin.user, ticket);
    return story.course([ofDevice(server), ofPerson(admin.user)], null);
  },
};

/** Hosts whose logs stop coming, and hosts that are only off or at the workshop. */
export const LOG_SOURCE_SILENCING_SCRIPTS: readonly Script[] = [
  agentStopped,
  agentKilled,
  logsCleared,
  agentMuted,
  agentUpgrade,
  switchedOff,
  logsArchived,
];
