namespace Microsoft.Build.Framework;

/// <summary>
/// Tells a multi-threaded MSBuild (<c>-mt</c>) that a task may run beside others in one process. MSBuild matches the
/// attribute by its name, so this copy does for the versions of MSBuild that do not have it yet.
/// </summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
internal sealed class MSBuildMultiThreadableTaskAttribute : Attribute;
