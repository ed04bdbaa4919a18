const attempt: number = 1;

const tenant: string = ctx.tenant;

export default (): unknown => [attempt, tenant];
