export interface Unused { name: string }
