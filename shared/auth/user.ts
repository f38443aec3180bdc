/** What every user has: an id of your own, which a session keeps. Yours has more. */
export interface User {
  readonly id: string | number
}

/** Who is not logged in. */
export interface AnonymousUser {
  readonly id: null
}

/** The user of a scope in which nobody is logged in. */
export const anonymousUser: AnonymousUser = Object.freeze({ id: null })

/** Says whether somebody is logged in; so does `user.id !== null`. */
export function isAuthenticated<U extends User>(user: U | AnonymousUser): user is U {
  return user.id !== null
}
