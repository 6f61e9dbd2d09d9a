using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using DiffusionQuant.Quantization.Artifacts;

namespace DiffusionQuant.Quantization.Search;

/// <summary>
/// The layers that are measured already, a file for each, in a folder whose name stands for all that decides them. A run that
/// was killed goes on from there.
/// </summary>
/// <param name="folder">The folder; null keeps nothing.</param>
internal sealed class SensitivityCheckpoints(string? folder)
{
    /// <summary>What was measured of a layer; null where nothing was, or it cannot be read.</summary>
    public LayerSensitivity? Find(string layer)
    {
        try
        {
            var found =
                folder is null || !File.Exists(PathOf(layer))
                    ? null
                    : JsonSerializer.Deserialize<LayerSensitivity>(
                        File.ReadAllText(PathOf(layer)),
                        SensitivityTable.Options
                    );
            return found?.Layer == layer ? found : null;
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            // Another program's, or damaged: the layer is measured again.
            return null;
        }
    }

    /// <summary>Keeps what was measured of a layer.</summary>
    public void Save(LayerSensitivity measured)
    {
        if (folder is not null)
        {
            AtomicFile.WriteText(PathOf(measured.Layer), JsonSerializer.Serialize(measured, SensitivityTable.Options));
        }
    }

    // Names have slashes and may be longer than those of files.
    private string PathOf(string layer) =>
        Path.Combine(folder!, $"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(layer)))[..32]}.json");
}
