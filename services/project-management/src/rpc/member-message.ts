import {
  type CreateMemberRequest,
  type DeleteMemberRequest,
  Member as MemberMessage,
  type UpdateMemberRequest,
} from '@rondo/contracts/projects/v1/team';
import { checkRequestId, type Etagged, etagOf, type List, readEtag, readUpdateMask } from '@rondo/resources';
import { emailFault, titleFault } from '@rondo/resources/domain';
import { checked, type FieldAt, validate } from '@rondo/rpc/status';
import type { Member, MemberChange, MemberFields } from '../domain/member.js';
import { memberName } from '../domain/names.js';
import { capacityFault } from '../domain/rules.js';
import type { DeleteMember } from '../usecases/members.js';
import { readMemberName } from './names.js';

/** The fields by which members can be filtered. */
export const MEMBERS: List = {
  collection: 'members',
  fields: {
    display_name: { kind: 'text' },
    email: { kind: 'text' },
    weekly_capacity_minutes: { kind: 'integer' },
    create_time: { kind: 'timestamp' },
  },
};

const EMPTY = MemberMessage.fromPartial({});

/** @throws RpcError `INVALID_ARGUMENT` with all faults of the request. */
export function readCreateMember({ member = EMPTY, requestId }: CreateMemberRequest): MemberFields {
  return validate((field) => {
    const fields = {
      displayName: checked(field('member.display_name'), member.displayName, titleFault),
      email: checked(field('member.email'), member.email, emailFault),
      weeklyCapacityMinutes: readCapacity(field, member),
    };
    checkRequestId(field('request_id'), requestId);
    return fields;
  });
}

/** @throws RpcError `INVALID_ARGUMENT` with all faults of the request. */
export function readUpdateMember({ member = EMPTY, updateMask }: UpdateMemberRequest): MemberChange {
  return validate((field) => {
    const { name, displayName, email, weeklyCapacityMinutes, etag } = member;
    const changes = readUpdateMask(field('update_mask'), updateMask, {
      display_name: displayName !== '',
      email: email !== '',
      weekly_capacity_minutes: weeklyCapacityMinutes !== 0n,
    });
    const fields: Partial<MemberFields> = {
      ...(changes('display_name') && { displayName: checked(field('member.display_name'), displayName, titleFault) }),
      ...(changes('email') && { email: checked(field('member.email'), email, emailFault) }),
      ...(changes('weekly_capacity_minutes') && { weeklyCapacityMinutes: readCapacity(field, member) }),
    };
    return {
      id: readMemberName(field('member.name'), name),
      fields,
      changedSince: readEtag(field('member.etag'), etag, etaggedMember),
    };
  });
}

/** @throws RpcError `INVALID_ARGUMENT` with all faults of the request. */
export function readDeleteMember({ name, etag }: DeleteMemberRequest): DeleteMember {
  return validate((field) => ({
    id: readMemberName(field('name'), name),
    changedSince: readEtag(field('etag'), etag, etaggedMember),
  }));
}

export function toMemberMessage(member: Member): MemberMessage {
  const { id, version: _version, ...fields } = member;
  return { name: memberName(id), ...fields, etag: etagOf(etaggedMember(member)) };
}

function readCapacity(field: FieldAt, { weeklyCapacityMinutes }: MemberMessage): bigint {
  return checked(field('member.weekly_capacity_minutes'), weeklyCapacityMinutes, capacityFault);
}

/** The order of these fields must never change: the etags that callers hold depend on it. */
function etaggedMember({
  id,
  version,
  createTime,
  updateTime,
  displayName,
  email,
  weeklyCapacityMinutes,
  deleteTime,
}: Member): Etagged {
  const fields = {
    display_name: displayName,
    email,
    weekly_capacity_minutes: weeklyCapacityMinutes,
    delete_time: deleteTime,
  };
  return { name: memberName(id), version, createTime, updateTime, fields };
}
