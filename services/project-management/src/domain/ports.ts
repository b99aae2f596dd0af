import type { CalendarDate, ListQuery, Page, ResourceFeed } from '@rondo/resources/domain';
import type { PlanStore } from './estimate.js';
import type { Member, MemberStore } from './member.js';
import type { ReservationId } from './names.js';
import type { NewProject, Project } from './project.js';
import type { ProjectFeed } from './project-feed.js';
import type { MemberWeek, NewReservation, Reservation, ReservationStore, WeekOfMember } from './reservation.js';
import type { NewTask, TaskStore } from './task.js';

/** Everything that the use cases need from outside. */
export interface Ports {
  readonly projects: ProjectStore;
  readonly tasks: TaskStore;
  readonly members: MemberStore;
  readonly reservations: ReservationStore;
  readonly plans: PlanStore;
  readonly calculator: Calculator;
  readonly feed: ProjectFeed;
  readonly feeds: Feeds;
  readonly teams: TeamStore;
  readonly newId: NewId;
  readonly now: Now;
}

/** What is watched, beside a project with its tasks. */
export interface Feeds {
  readonly projects: ResourceFeed<Project>;
  readonly members: ResourceFeed<Member>;
  readonly reservations: ResourceFeed<Reservation>;
}

/**
 * Stores projects. The following holds for every store.
 *
 * A store rejects with `StoreUnavailable` if it can't be reached.
 *
 * A create makes the reply of its call, by `toReply`, inside the transaction. Repetitions of the call get that reply.
 *
 * The functions `decide` and `admit` are pure, because they may run again. Their argument is locked until the transaction ends. If
 * they throw, the call rejects with that error.
 */
export interface ProjectStore {
  /** Creates a project with its tasks, or nothing. Rejects with `UnknownReferences`. */
  create<R>(project: NewProject, tasks: readonly NewTask[], toReply: (project: Project) => R): Promise<R>;
  /** Finds deleted projects too. */
  find(id: string): Promise<Project | undefined>;
  /** The newest first. */
  list(query: ListQuery): Promise<Page<Project>>;
  /**
   * Stores the result of `decide`. If `decide` returns the same object, nothing is written. Returns undefined if there
   * is no such project. Rejects with `UnknownReferences`. A project that becomes DONE keeps its reservations up to
   * `thisWeek`, an archived one none.
   */
  update(id: string, decide: (project: Project) => Project, thisWeek: CalendarDate): Promise<Project | undefined>;
  /** Deletes a project unless `admit` throws. A deleted project stays as it is. Returns undefined if there is none. */
  delete(id: string, admit: (project: Project) => void): Promise<Project | undefined>;
  /** Undeletes a project. One that isn't deleted stays as it is. Returns undefined if there is none. */
  undelete(id: string): Promise<Project | undefined>;
}

/** Reads and writes for one delivery, all in one transaction. The methods must be called in this order. */
export interface DeliveryStore {
  /** Locks the capacity of the team until the transaction ends, together with other deliveries and reservations. */
  lockCapacity(): Promise<void>;
  /** Creates a project with its tasks. Rejects with `UnknownReferences`, or `ProjectExists`. */
  createProject(project: NewProject, tasks: readonly NewTask[]): Promise<Project>;
  /** Whether a member of the team has capacity. */
  hasCapacity(): Promise<boolean>;
  /** Reads weeks with free minutes, without a lock: by Monday, in a week the oldest member first. */
  freeWeeks(query: FreeWeeksQuery): Promise<readonly FreeWeek[]>;
  /**
   * Locks weeks and returns their reserved minutes. To exclude deadlocks, each call must be for later weeks than
   * the call before, or for younger members in the same week.
   */
  lockWeeks(weeks: readonly WeekOfMember[]): Promise<readonly MemberWeek[]>;
  /** Reserves time of locked weeks. */
  reserve(reservations: readonly NewReservation[]): Promise<readonly Reservation[]>;
}

/** Which weeks with free minutes to read. */
export interface FreeWeeksQuery {
  readonly mondays: readonly CalendarDate[];
  /** Only of members after this place in the order of the team; 0 for all. */
  readonly after: bigint;
  /** Only of this member; undefined for all. */
  readonly memberId: string | undefined;
  /** The most members in each week. */
  readonly limit: number;
}

/** A week of a member with free minutes. */
export interface FreeWeek extends MemberWeek {
  /** The member's place in the order of the team, in which the oldest is first. */
  readonly memberSequence: bigint;
}

/** From one day to another, both included. */
export interface Period {
  readonly from: CalendarDate;
  readonly to: CalendarDate;
}

/** Adds up numbers exactly. */
export interface Calculator {
  sum(values: readonly bigint[]): Promise<bigint>;
}

/** Finds the team of a resource, deleted ones included; access rules decide by it. Undefined if there is no such resource. */
export interface TeamStore {
  /** The team of the member with this subject, who isn't deleted. */
  ofPerson(subject: string): Promise<string | undefined>;
  ofProject(projectId: string): Promise<string | undefined>;
  /** The team of the reservation's project. */
  ofReservation(id: ReservationId): Promise<string | undefined>;
}

/** Makes an id: short, unguessable, of lower-case letters and digits. */
export type NewId = () => string;

/** The current time. */
export type Now = () => Date;
