using DiffusionQuant.Benchmarks;

switch (args)
{
    case ["speed", .. var options]:
        return SpeedBenchmark.Run(options);
    case ["calibration-memory", .. var options]:
        return CalibrationMemoryBenchmark.Run(options);
    case ["quality", .. var options]:
        return QualityBenchmark.Run(options);
    case ["calibrate", var model, var samples]:
        return CalibrationMemoryBenchmark.Calibrate(model, int.Parse(samples));
    default:
        Console.Error.WriteLine(
            """
            dotnet run -c Release --project benchmarks -- speed [--batches 1,4,16] [--runs 11] [--profile]
                Float, W8A8 and W4A8 files of the 35.7 M DDPM U-Net in turn within one process.
            dotnet run -c Release --project benchmarks -- calibration-memory
                Peak memory of calibrating the same U-Net with 64 and with 1024 samples.
            dotnet run -c Release --project benchmarks -- quality [--images 2000] [--steps 25] [--model FOLDER]
                FID, KID, PSNR and SSIM of the sample's model at W8A8, W4A8 and W4A4 by each method without gradients.
            """
        );
        return 1;
}
