/** What a caller says of a member. */
export interface MemberFields {
  readonly displayName: string;
  /** Unique in the team, whatever its case. */
  readonly email: string;
  readonly weeklyCapacityMinutes: bigint;
}

/** A member to be added. */
export interface NewMember extends MemberFields {
  readonly id: string;
}

/** Somebody who works on projects. */
export interface Member extends NewMember {
  readonly createTime: Date;
}
