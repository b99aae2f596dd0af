import { createResourceFeed, type FeedOptions, type FeedSight, type FeedSource } from '@rondo/resources/sql';
import { accessOf, isAdmin, sightOf } from '../domain/access.js';
import type { Member } from '../domain/member.js';
import type { Feeds } from '../domain/ports.js';
import type { Project } from '../domain/project.js';
import type { Reservation } from '../domain/reservation.js';
import { parseProject } from './change-log.js';
import {
  DELETION,
  MEMBERS_COLUMNS,
  type MemberRow,
  PROJECTS_COLUMNS,
  type ProjectRow,
  RESERVATIONS_COLUMNS,
  type ReservationRow,
  toMember,
  toProject,
  toReservation,
} from './rows.js';
import { createTeamStore } from './team-store.js';

/** Creates the feeds of this service. Triggers of migration 0014 append the changes. */
export function createFeeds(options: FeedOptions): Feeds {
  return {
    projects: createResourceFeed(options, PROJECTS),
    members: createResourceFeed(options, MEMBERS),
    reservations: createResourceFeed(options, RESERVATIONS),
  };
}

/** A member watches the rows of its team. Which team that is may change while it watches. */
const TEAM_SIGHT: FeedSight = {
  column: 'team',
  async of(watcher, queries) {
    const team = isAdmin(watcher) ? undefined : await createTeamStore(queries).ofPerson(watcher.subject);
    return sightOf(accessOf(watcher, team));
  },
};

const PROJECTS: FeedSource<ProjectRow, Project> = {
  table: 'projects',
  select: `SELECT ${PROJECTS_COLUMNS} FROM projects`,
  live: DELETION.live,
  key: 'sequence',
  keyOf: ({ sequence }) => sequence,
  toItem: toProject,
  sight: TEAM_SIGHT,
  parse: (row) => toProject(parseProject(row)),
};

const MEMBERS: FeedSource<MemberRow, Member> = {
  table: 'members',
  select: `SELECT ${MEMBERS_COLUMNS} FROM members`,
  live: 'delete_time IS NULL',
  key: 'sequence',
  keyOf: ({ sequence }) => sequence,
  toItem: toMember,
  parse: ({ text, whole, time, optionalTime }) => ({
    id: text('id'),
    displayName: text('display_name'),
    email: text('email'),
    weeklyCapacityMinutes: whole('weekly_capacity_minutes'),
    subject: text('subject'),
    team: text('team'),
    createTime: time('create_time'),
    updateTime: time('update_time'),
    deleteTime: optionalTime('delete_time') ?? undefined,
    version: whole('version'),
  }),
};

const RESERVATIONS: FeedSource<ReservationRow, Reservation> = {
  table: 'reservations',
  select: `SELECT ${RESERVATIONS_COLUMNS} FROM reservations`,
  key: 'position',
  keyOf: ({ position }) => position,
  toItem: toReservation,
  partOf: { column: 'member_id' },
  sight: TEAM_SIGHT,
  parse: ({ text, whole, time }) => ({
    id: text('id'),
    memberId: text('member_id'),
    weekStartDate: text('week_start_date'),
    projectId: text('project_id'),
    minutes: whole('minutes'),
    createTime: time('create_time'),
  }),
};
