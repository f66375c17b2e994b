/** Who can mend a failure. */
export type ErrorOrigin = 'caller' | 'environment' | 'internal';
/** Whether the same call may succeed later without a change. */
export type RetryAdvice = 'no' | 'with-backoff';

interface ErrorCodeEntry {
  readonly origin: ErrorOrigin;
  readonly retry: RetryAdvice;
  readonly help: string;
}

const caller = (help: string): ErrorCodeEntry => ({ origin: 'caller', retry: 'no', help });
const environment = (help: string, retry: RetryAdvice = 'no'): ErrorCodeEntry => ({
  origin: 'environment',
  retry,
  help,
});

/** Every stable error code. `docs/reference/errors.md` lists the same set; a test compares the two. */
export const ERROR_CODES = {
  EVENT_JSON_INVALID: caller('Send one JSON object in UTF-8.'),
  EVENT_TOO_LARGE: caller('Keep an event within 49,152 bytes; carry larger content by `dataref` and digest.'),
  EVENT_TOO_DEEP: caller('Nest objects and arrays at most 32 levels deep.'),
  EVENT_NUMBER_UNSAFE: caller('Send integers beyond 2^53 - 1 as strings.'),
  EVENT_TEXT_INVALID: caller('Send well-formed Unicode: no lone surrogates.'),
  EVENT_ENVELOPE_INVALID: caller('Mend the named CloudEvents attribute.'),
  EVENT_TYPE_UNKNOWN: caller('Use an event type listed in docs/reference/event-types.md.'),
  EVENT_TYPE_NOT_ACCEPTED: caller(
    'Inputs are device.*, access.*, exchange.* and knowledge types; all else is written by the engine.',
  ),
  EVENT_VERSION_UNKNOWN: caller('Use a known version of the type, or upgrade Protego first.'),
  EVENT_DATA_INVALID: caller('Mend the named field of `data` as the schema of the type asks.'),
  EVENT_SITE_FOREIGN: caller("Send the event to the site that it names, or set `site` to this engine's site."),
  EVENT_SOURCE_FORGED: caller('Set `source` to the source that the subject or token belongs to.'),
  EVENT_SOURCE_UNDECLARED: caller('Declare the source in streams/declarations/sources.yaml.'),
  EVENT_FAMILY_NOT_ALLOWED: caller(
    'Publish the type on the subject of its family, from a source declared for that family.',
  ),
  EVENT_ID_CONFLICT: caller('An id names one content for ever: send changed content under a new id.'),
  EVENT_TIME_SKEWED: caller("Mend the producer's clock: the event's time lies in the future."),
  SOURCE_LIMIT_EXCEEDED: caller('A site has at most 256 sources: a source is a feed, not a device.'),
  SUBJECT_INVALID: caller('Use protego.v1.<site>.in.<family>.<source> with lower-case tokens.'),
  TOKEN_INVALID: caller('Send `Authorization: Bearer` with the token of a declared source.'),
  REQUEST_INVALID: caller('Send application/json, application/cloudevents+json or application/x-ndjson.'),
  REQUEST_TOO_LARGE: caller('Send fewer events in one request.'),
  INTAKE_BUSY: environment('Wait for the time in Retry-After, then send the same events again.', 'with-backoff'),
  INTAKE_STOPPED: environment(
    'The engine is stopping or its disk failed; send again when it is ready.',
    'with-backoff',
  ),
  CONFIG_INVALID: caller('Mend the named key of protego.yaml; docs/reference/configuration.md lists them all.'),
  ARTEFACT_INVALID: caller('Name a readable directory or file of artefacts, within the limits of its kind.'),
  DECLARATION_INVALID: caller('Mend the named key of the declaration file.'),
  ARTEFACT_SET_UNKNOWN: caller(
    'Name a directory of rules and declarations, or a set that `protego artefact list` shows as stored.',
  ),
  ARTEFACT_SET_DAMAGED: environment(
    'A stored set of artefacts was altered or is not whole: restore it, or store it again from the directory it came from.',
  ),
  ARTEFACT_IN_FORCE: caller('Activate another set first; `protego artefact list` shows which one is in force.'),
  ARTEFACT_RETIRED: caller(
    'A retired set needs approvals that were signed after it was retired; where none are asked for, change the set.',
  ),
  ARTEFACT_APPROVAL_MISSING: caller(
    'Have more of the approvers that protego.yaml declares sign with `protego artefact approve`, and name their files.',
  ),
  ARTEFACT_APPROVAL_INVALID: caller(
    'Have the approval made again: it fits one set, one reason and one state of the log only.',
  ),
  LOG_NOT_FOUND: caller('Name a directory that `import` or the engine has written.'),
  LOG_LOCKED: environment('Another process writes this log: stop it, or send the events through it.', 'with-backoff'),
  LOG_FORMAT_UNKNOWN: caller('The log was written by another version of Protego: use that version or a newer one.'),
  LOG_BLOCK_CORRUPT: environment(
    'The stored bytes were altered or damaged: restore the segment from a backup and verify again.',
  ),
  LOG_CHAIN_BROKEN: environment(
    'Records are missing, repeated or reordered: restore the log from a backup and verify again.',
  ),
  LOG_ROOT_MISMATCH: environment('Records differ from what was committed: treat the log as altered.'),
  LOG_WRITE_FAILED: environment('Free the disk or mend it, then start again: nothing unacknowledged was promised.'),
  LOG_DISK_FULL: environment(
    'Free space on the disk of the log, then start again: nothing acknowledged was lost.',
    'with-backoff',
  ),
  LOG_READ_ONLY: environment('Make the directory of the log writable for this user, then start again.'),
  LOG_KEY_MISSING: environment(
    "Name the directory of the log's keys with --keys, or restore it: without it nothing can be read.",
  ),
  LOG_KEYS_DAMAGED: environment('The key directory was altered or damaged: restore it from its backup.'),
  ENCLAVE_CALL_INVALID: environment('What crosses the border of the enclave is out of its bounds: report it.'),
  ENCLAVE_LOST: environment(
    'A process of the enclave ended: start again; nothing acknowledged was lost.',
    'with-backoff',
  ),
  LOG_TRUNCATED: environment('The log is shorter than the checkpoint says: its end was cut off or it was rolled back.'),
  LOG_FORKED: environment('The log holds another history than the checkpoint: treat it as altered.'),
  LOG_TILE_MISMATCH: environment(
    'A stored hash differs from the records: restore the tile, or delete it and let the writer make it again.',
  ),
  LOG_CHECKPOINT_INVALID: caller('The checkpoint is not a note signed with the key of this log.'),
  LOG_PROOF_INVALID: caller('The proof does not lead to the root of the checkpoint.'),
  LOG_RANGE_MISSING: caller('Name records that the log still holds: older ones have expired.'),
  BUNDLE_INVALID: caller('The bundle was altered or damaged: ask for it again.'),
  BUNDLE_KEY_INVALID: caller('Name the key pair that the bundle was made for.'),
  RECEIPT_INVALID: caller('The receipt was altered, or belongs to another log.'),
  BACKUP_INVALID: environment('The backup is not whole or was altered: use an older one.'),
  RESTORE_TARGET_TAKEN: caller('Restore into a directory that holds no log.'),
  PERSON_UNKNOWN: caller('No key of such a person is known: check the spelling.'),
  PERSON_AMBIGUOUS: caller('Several persons have this name: ask with the identity or the token of one of them.'),
  DETECTION_UNKNOWN: caller('Name a detection that `protego detection list` shows.'),
  MUTE_UNKNOWN: caller('Name a mute or an acknowledgement that `protego detection list --mutes` shows.'),
  DATA_KEYS_FULL: environment('The log was given as many data keys as it can have: go on with a new log.'),
  VAULT_FULL: environment(
    'The vault holds as many persons as it can: erase or expire some; a restart frees their slots once they are a quarter of all.',
  ),
  ENCLAVE_MEMORY_FAULT: environment(
    'The encrypted memory was altered from outside: treat the host as attacked, and start the enclave anew.',
  ),
  ENCLAVE_LOCKED: environment('The enclave found its memory altered and wiped itself: start it anew.'),
  ENCLAVE_CLOSED: { origin: 'internal', retry: 'no', help: 'The memory was closed; make a new one.' },
  ENCLAVE_RANGE_INVALID: caller('Stay within the range that the message names.'),
  ENCLAVE_PAGES_LENT: {
    origin: 'internal',
    retry: 'no',
    help: 'Pages are lent out: return from the functions that use them first, or make the page cache larger.',
  },
  ENCLAVE_SLOT_UNKNOWN: {
    origin: 'internal',
    retry: 'no',
    help: 'The slot was freed or never allocated: use what `allocate` gave.',
  },
  ENCLAVE_STORE_FULL: caller('Free slots, or make the store larger.'),
  GUARDED_MEMORY_FULL: environment(
    'Close what holds guarded memory and is not needed, or make page caches smaller.',
    'with-backoff',
  ),
  LOG_CLOSED: { origin: 'internal', retry: 'no', help: 'The log was closed; open it again.' },
  LOG_RECORD_TOO_LARGE: caller('Keep a record within the limit of the log.'),
  LOG_RECORD_INVALID: caller('Give a record a body, a type of at most 255 bytes and finite times.'),
  LOG_ORIGIN_FOREIGN: caller('The directory holds the log of another origin: name the directory of this one.'),
  SIGMA_YAML_INVALID: caller('Mend the YAML at the named line.'),
  SIGMA_RULE_INVALID: caller('Mend the rule as the Sigma specification asks.'),
  SIGMA_MODIFIER_UNSUPPORTED: caller('Use a supported modifier; docs/reference/sigma.md lists them.'),
  SIGMA_PLACEHOLDER_UNKNOWN: caller('Declare its values in declarations/placeholders.yaml; an empty list will do.'),
  SIGMA_CONDITION_INVALID: caller('Mend the condition: it names selections of the same rule.'),
  SIGMA_REGEX_UNSUPPORTED: caller('Write the pattern in RE2 syntax: no look-around, no back-references.'),
  SIGMA_FILTER_INVALID: caller('Mend the filter: logsource, rules, selections and condition.'),
  SIGMA_CORRELATION_INVALID: caller('Mend the correlation: type, rules, group-by, timespan and condition.'),
  SIGMA_CASE_INVALID: caller('Mend the case; docs/reference/sigma.md says what a case holds.'),
  SIGMA_CASE_FAILED: caller('Mend the rule, or the case if it asks for the wrong answer.'),
  SIGMA_CASES_MISSING: caller('Write cases that must and must not match under `protego`, `cases`.'),
  SIGMA_NEVER_FIRES: caller('Mend the condition: no record can satisfy it.'),
  SIGMA_LIST_NEEDED: caller('If the field holds one value, mend the condition: one value cannot satisfy it.'),
  SIGMA_LOGSOURCE_UNFED: caller('Mend `logsource`, or connect a source that writes this log.'),
  RULE_FAILED: {
    origin: 'internal',
    retry: 'no',
    help: 'The rule threw on one event and went on; report the rule and the event.',
  },
  OPERATOR_OPTION_INVALID: caller(
    'Give the named option a value within the bounds that docs/reference/windows.md lists.',
  ),
  OPERATOR_STATE_INVALID: environment(
    'The snapshot was altered, or written by another version or other options: replay from the beginning instead.',
  ),
  STREAM_UNORDERED: { origin: 'internal', retry: 'no', help: 'Put `orderByEventTime` before the operator.' },
  STREAM_TIME_INVALID: {
    origin: 'internal',
    retry: 'no',
    help: 'Give every event a whole number of milliseconds as its time.',
  },
  SOURCE_FORMAT_UNKNOWN: caller('Use --format cloudevents, windows or zeek.'),
  SOURCE_FILE_UNREADABLE: environment('Check that the path names a file and that it may be read.'),
  SOURCE_FILE_DAMAGED: environment('The file ends early or is altered: fetch it again; what stood before was read.'),
  SOURCE_RECORD_INVALID: caller('The record cannot become an event: mend it at its origin.'),
  MANIFEST_INVALID: caller('Name a manifest.json that `replay` has written.'),
  PROOF_DETECTION_DIFFERS: caller(
    'Make the replay again with the rules that are named here, and name its output with --run.',
  ),
  PROOF_INVALID: caller('The proof was altered or is none: ask for it again.'),
  PROOF_RULE_MISSING: caller('Name the rules that were in force with --rules, and their declarations with --streams.'),
  PROOF_TOO_LARGE: caller('The rule texts are too long for one proof: split their files.'),
  REPLAY_ARTEFACTS_DIFFER: caller('Name the rules and declarations of the run with --rules and --streams.'),
  REPLAY_LOG_DIFFERS: caller(
    'Name the log that the manifest was made from; if it is that one, check it with `log verify`.',
  ),
  REPLAY_STATE_INVALID: caller('What was written down of the run is damaged, or of another Protego: begin it anew.'),
  REPLAY_STATE_FOREIGN: caller('Name the output directory of the run that is to go on, or begin anew in an empty one.'),
  REPLAY_ERASED_MEANWHILE: caller('Run the replay again: it then knows of the erasure from the beginning.'),
  REPLAY_OUT_TAKEN: caller(
    'Name a new or empty directory with --out, or one that holds nothing but an earlier result.',
  ),
  REPLAY_OUT_LOCKED: caller('Wait until the other run into this directory has ended, or name another one with --out.'),
  REPLAY_CANCELLED: caller('Run the same command with --resume to go on where it ended.'),
  REPLAY_TOO_LARGE: caller('Narrow the range with --from and --to, or leave out the rule that fires most.'),
  WHATIF_TOO_LARGE: caller('Narrow the range with --from and --to, or compare sets that differ in fewer rules.'),
  LABELS_INVALID: caller('Name a labels.ndjson.gz that `simulate` has written, of the history in this log.'),
  CHANGE_RECORD_INVALID: caller('The change record or a file that it names was altered: run `whatif` again.'),
  SCENARIO_UNKNOWN: caller('Use a scenario that `protego simulate --help` lists.'),
  SETTING_INVALID: caller('Use --set key=value with a key that `protego simulate --help` lists.'),
  CRYPTO_UNSUPPORTED: caller('Use keys, nonces, tags and costs of the lengths that docs/reference/sealing.md lists.'),
  CRYPTO_REFUSED: caller("The data, its tag or the other side's key is not genuine: fetch it again from its origin."),
  ENCLAVE_PLATFORM_DAMAGED: environment(
    'The platform directory was altered or is not whole: restore it; what it sealed opens with nothing else.',
  ),
  ENCLAVE_COUNTER_REFUSED: caller('Use at most 1,024 counters, with names of 1 to 128 letters, digits and `./#-`.'),
  ENCLAVE_MEASUREMENT_INVALID: caller(
    'Start the enclave anew from one build, with nothing loaded beside it: its files are regular ones, each once.',
  ),
  ENCLAVE_REPLICA_REFUSED: environment(
    'A process of the enclave is not what its keeper is: end the build or update that runs, then start again.',
  ),
  ENCLAVE_NOT_ATTESTED: caller('Name the directory of a platform: `enclave.platformDir` of the engine, or --platform.'),
  ENCLAVE_SIGNATURE_INVALID: caller('Use the signed measurement that the author gave out for this very code.'),
  ENCLAVE_BLOB_DAMAGED: environment('The sealed blob was altered or damaged: restore it from a backup.'),
  ENCLAVE_BLOB_INVALID: caller('Seal at most 16 MiB, under a label of 1 to 128 letters, digits and `./-`.'),
  ENCLAVE_PLATFORM_MISMATCH: environment(
    'The blob was sealed on another platform: restore the platform directory too.',
  ),
  ENCLAVE_MEASUREMENT_MISMATCH: environment(
    'The blob was sealed by an enclave of another measurement: start that one, and migrate the blob with a grant.',
  ),
  ENCLAVE_CODE_MISMATCH: environment(
    'The blob was sealed by other code, or in another debug mode: start that code, or seal the root anew with its recovery copy.',
  ),
  ENCLAVE_SIGNER_MISMATCH: environment(
    'The blob was sealed for enclaves of another author, product or debug mode: start one of those.',
  ),
  ENCLAVE_VERSION_TOO_OLD: environment('A newer enclave sealed the blob: start an enclave of that security version.'),
  ENCLAVE_LABEL_MISMATCH: environment('The blob was sealed for another purpose: name the file of this one.'),
  ENCLAVE_ROLLED_BACK: environment(
    'A newer blob, or a newer counter file, has been in use: restore the newest; older ones stay void.',
  ),
  ENCLAVE_GRANT_REFUSED: caller('Have the author sign a grant for this migration, or give the unlock secrets.'),
  ENCLAVE_UNLOCK_REFUSED: caller('Give the unlock secrets of this site: all of them, and in their order.'),
  ENCLAVE_UNLOCK_NEEDED: caller(
    'Name the files of all unlock secrets, in their order: `enclave.unlock` of the engine, or --unlock-key-file and --unlock-passphrase-file.',
  ),
  ENCLAVE_ROOT_AMBIGUOUS: environment(
    'Run `protego enclave seal` again, which ends a sealing that was interrupted; or move `root.sealed` away to stay unsealed.',
  ),
  ENCLAVE_ROOT_LINKED: environment(
    'Put a file of its own in place of `root.secret`, with one name and no link to it: what has the other name would be overwritten.',
  ),
  ENCLAVE_UNLOCK_INVALID: caller('Mend the unlock method as docs/reference/sealing.md asks.'),
  ATTESTATION_INVALID: caller('Send an emulated quote of profile `urn:protego:eat:emulated:1`, signed with EdDSA.'),
  ATTESTATION_KEY: caller(
    'The quote is not signed by a platform that the policy names: add its key only if you know it.',
  ),
  ATTESTATION_STALE: caller('Ask for a new quote, with a new nonce.'),
  ATTESTATION_DEBUG: caller('Start the enclave without debug mode.'),
  ATTESTATION_MEASUREMENT: caller(
    'Start an enclave that the policy allows, or allow this one after you have checked it.',
  ),
  ATTESTATION_CHANNEL: caller('A frame was altered, repeated or out of order: attest anew and open a new channel.'),
  USAGE_INVALID: caller('See --help.'),
  FILE_UNREADABLE: caller('Name a file that is there and that you may read, or write where you may write.'),
  NATS_SERVER_MISSING: environment('Install nats-server (Debian: apt-get install nats-server) or put it on the PATH.'),
  NATS_UNAVAILABLE: environment(
    'Check that nats-server runs at the configured URL and knows the user.',
    'with-backoff',
  ),
  NATS_STREAM_FOREIGN: environment(
    'One bus serves one log a site: give this engine its own log back, or a bus of its own.',
  ),
  INTERNAL: { origin: 'internal', retry: 'no', help: 'Report this with the log of the program.' },
} as const satisfies Record<string, ErrorCodeEntry>;

/** A stable error code. */
export type ErrorCode = keyof typeof ERROR_CODES;
